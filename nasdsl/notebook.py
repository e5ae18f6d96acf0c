"""`%load_ext nasdsl`: the magic `%%cell NAME`, which makes a genotype of a notebook's cell.

Purpose: the text is checked, its picture is shown, and `NAME` becomes the genotype, or the space
where fields are open. IPython is not a requirement of nasdsl; who loads an extension has it.
"""

import sys
from keyword import iskeyword
from pathlib import Path
from typing import Any

from nasdsl.errors import Source
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import analyse, beside_in, genotype_of, space_in
from nasdsl.report import as_text


def load_ipython_extension(shell: Any) -> None:
    """Register `%%cell`; IPython calls this for `%load_ext nasdsl`."""

    def cell(line: str, text: str) -> Genotype | Space:
        """`%%cell NAME`: check the text, show its cells, and bind NAME to them."""
        return _bind(shell, line, text)

    shell.register_magic_function(cell, "cell", "cell")


def _bind(shell: Any, line: str, text: str) -> Genotype | Space:
    # A module of IPython, which called this.
    from IPython.core.error import UsageError

    name = line.strip()
    if not (name.isidentifier() and name.isascii()) or iskeyword(name):
        raise UsageError("`%%cell` takes one name: `%%cell NAME`")
    analysis = analyse(Source(f"{name}.cell", text), beside=beside_in(Path.cwd()))
    if analysis.diagnostics:
        sys.stderr.write(as_text(analysis.diagnostics, colour=False))
    if any(found.is_error for found in analysis.diagnostics) or analysis.space is None:
        raise UsageError(f"{name} is not bound: the text has no genotype without mistakes")
    space = space_in(analysis)
    value = genotype_of(space) if space.is_genotype else space
    shell.user_ns[name] = value
    return value
