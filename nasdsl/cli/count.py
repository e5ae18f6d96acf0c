"""`nasdsl count`: the size of a space."""

import click

from nasdsl.canonical import CanonicalForm
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument, form_option, is_given, json_option
from nasdsl.report.digits import every_digit
from nasdsl.space import count, count_distinct

# Below this a number reads well as it is.
_READABLE = 10**6


@click.command(
    "count",
    cls=Command,
    examples="""
        nasdsl count nasnet_space
        nasdsl count --distinct small_space.cell
        nasdsl count --distinct --form function nasbench201_space
    """,
)
@file_argument("SPACE")
@click.option("--distinct", is_flag=True, help="Count equivalent genotypes once.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    help="Maximum number of cells that --distinct compares.",
)
@form_option("Which genotypes --distinct counts as one.")
@json_option()
@click.pass_context
def command(
    context: click.Context,
    space: str,
    distinct: bool,
    limit: int,
    form: CanonicalForm,
    as_json: bool,
) -> None:
    """Count the genotypes in a space, exactly.

    By default every combination of decisions counts. With --distinct, genotypes that differ
    only in names and order count once, and with --form function those that compute the same;
    this compares all of them, so it is for small spaces.
    """
    for name in ("form", "limit"):
        if not distinct and is_given(context, name):
            raise click.UsageError(f"--{name} is for --distinct.")
    read = reading.space(space)
    raw = count(read)
    unlike = count_distinct(read, limit, form) if distinct else None
    with every_digit():
        if as_json:
            more = {} if unlike is None else {"distinct": unlike}
            output.data_object(space=read.name, count=raw, **more)
            return
        number = raw if unlike is None else unlike
        output.data(f"{number}\n")
        if number >= _READABLE:
            output.note(f"about {_rounded_text(number)}")


def _rounded_text(number: int) -> str:
    # Floats end at 10 ** 308; spaces do not.
    digits = str(number)
    return f"{digits[0]}.{digits[1:4]} * 10^{len(digits) - 1}"
