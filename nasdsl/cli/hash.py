"""`nasdsl hash`: the canonical hash."""

from dataclasses import replace

import click

from nasdsl.canonical import CanonicalForm, canonical_hash
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument, form_option, json_option
from nasdsl.errors import CellError, Diagnostic
from nasdsl.report.visible import visible


@click.command(
    "hash",
    cls=Command,
    examples="""
        nasdsl hash nasnet_a
        nasdsl hash samples/*.cell | sort
        nasdsl hash --form function samples/*.cell | sort
    """,
)
@file_argument(several=True)
@form_option("Which genotypes have equal hashes.")
@json_option()
def command(file: tuple[str, ...], form: CanonicalForm, as_json: bool) -> None:
    """Print a hash that is the same for equivalent genotypes.

    The names and the order of blocks, the order of operands that can be exchanged, and blocks
    that reach no output do not affect the hash. With --form function, genotypes that compute the
    same with suitable weights have one hash; function_strict does not take for granted that a
    normalisation of zeros is zero. Each line consists of a hash, two spaces and the
    file. Files with mistakes are reported after the others.
    """
    rows: list[dict[str, str]] = []
    refused: list[Diagnostic] = []
    for name in file:
        try:
            genotype = reading.genotype(name)
        except CellError as error:
            refused += error.diagnostics
            continue
        try:
            hash = canonical_hash(genotype, form)
        except CellError as error:
            # It is about cells, and does not know whose.
            refused += (
                replace(found, message=f"{name}: {found.message}") for found in error.diagnostics
            )
            continue
        rows.append({"file": name, "name": genotype.name, "hash": hash})
    if refused and as_json:
        raise CellError(tuple(refused))
    if as_json:
        output.data_object(hashes=rows)
        return
    for row in rows:
        output.data(f"{row['hash']}  {visible(row['file'])}\n")
    if refused:
        raise CellError(tuple(refused))
