"""`nasdsl enumerate`: every member of a space."""

import json
from itertools import islice

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument, json_option
from nasdsl.errors import plural
from nasdsl.language.genotype.text import genotype_text
from nasdsl.report.digits import every_digit
from nasdsl.space import count, enumerate_genotypes


@click.command(
    "enumerate",
    cls=Command,
    examples="""
        nasdsl enumerate small_space.cell > all.txt
        nasdsl enumerate nasnet_space --limit 3 --json
    """,
)
@file_argument("SPACE")
@click.option("--limit", type=click.IntRange(min=0), help="Print at most this many genotypes.")
@json_option("Print a JSON object per line instead.")
def command(space: str, limit: int | None, as_json: bool) -> None:
    """Print every genotype in a space, separated by blank lines.

    Genotypes are printed as they are generated, the last decision changing fastest, so even a
    large space can be piped into a program that reads only the beginning.
    """
    read = reading.space(space)
    size = count(read)
    with every_digit():
        if limit is None or limit >= size:
            output.note(plural(size, "genotype", "d"))
        else:
            output.note(f"the first {limit} of {size} genotypes")
    for index, genotype in enumerate(islice(enumerate_genotypes(read), limit)):
        text = genotype_text(genotype)
        if as_json:
            row = {"version": output.VERSION, "index": index, "text": text}
            output.data(json.dumps(row) + "\n")
        else:
            output.data(("\n" if index else "") + text)
