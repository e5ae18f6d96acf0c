"""PyGlove: `DNA([0, 3, ...])`, the decisions of a space by number.

DNA of one of our spaces is read and written. What the numbers of other DNA mean stands in a
program.

Mirrors google/pyglove, pyglove/core/geno/base.py. A space is there a list of `pg.oneof`, one for
each decision of `nasdsl.space.decisions` that is open, in the order a file is read; numbers count
options from 0. DNA of one decision is written `DNA(3)`.
"""

import ast

from nasdsl.errors import CellError, Diagnostic, Span, cell_error
from nasdsl.interop.foreign import Foreign, Options
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, Python, numbers
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.space import choices, decisions, genotype_from_choices


def read(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of the space that takes these decisions.

    Raises:
        CellError: NAS651 and NAS653 at the first mistake; NAS658 without a space.
    """
    space = _space(options)
    python = Python(foreign)
    calls = [node for node in ast.walk(python.tree) if isinstance(node, ast.Call)]
    body = python.tree.body
    node = calls[0].args[0] if calls and calls[0].args else None
    if node is None and body and isinstance(body[0], ast.Expr):
        node = body[0].value
    if node is None:
        raise foreign.cell_error("NAS651", "there is no `DNA([...])` in the text")
    value = python.value(node)
    listed = value if isinstance(value.data, list) else LiteralValue([value], value.span)
    found = numbers(foreign, listed, "the DNA")
    return [genotype_from_choices(space, _taken(foreign, space, found, value.span))]


def _taken(foreign: Foreign, space: Space, found: list[tuple[int, Span]], whole: Span) -> list[int]:
    """The choice of every decision; those that are pinned have one option."""
    radices = [len(options) for options in decisions(space)]
    open_ones = sum(radix > 1 for radix in radices)
    if len(found) != open_ones:
        text = f"there are {len(found)} numbers; `{space.name}` has {open_ones} open decisions"
        raise foreign.cell_error("NAS651", text, whole)
    numbered = iter(found)
    taken = []
    for radix in radices:
        choice, span = next(numbered) if radix > 1 else (0, whole)
        if not 0 <= choice < radix:
            text = f"this decision has the options 0 to {radix - 1}, not {choice}"
            raise foreign.cell_error("NAS653", text, span)
        taken.append(choice)
    return taken


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The DNA on a line.

    Raises:
        CellError: the genotype is not of the space (NAS602); NAS658 without a space.
    """
    space = _space(options)
    taken = choices(space, genotype)
    pairs = zip(taken, decisions(space), strict=True)
    found = [choice for choice, options_ in pairs if len(options_) > 1]
    return f"DNA({found if len(found) != 1 else found[0]})\n", []


def _space(options: Options) -> Space:
    if options.space is None:
        raise CellError(
            cell_error(
                "NAS658",
                "DNA lists the decisions of a space, and no space is given",
                "`--space SPACE` names it, a file or a name of the library",
            ).diagnostics
        )
    return options.space


FORMAT = Format(
    title="PyGlove's DNA for a space of nasdsl",
    sign=r"^\s*(\w+\s*=\s*)?(pg\.)?DNA\s*\(",
    read=read,
    write=write,
)
