"""`nasdsl count`: the size of a space."""

import click

from nasdsl.cli import output, reading
from nasdsl.cli.arguments import file_argument, json_option
from nasdsl.cli.command import Command
from nasdsl.space import count, count_distinct

# Below this a number reads well as it is.
_READABLE = 10**6


@click.command(
    "count",
    cls=Command,
    examples="""
        nasdsl count nasnet_space
        nasdsl count --distinct small_space.cell
    """,
)
@file_argument("SPACE")
@click.option("--distinct", is_flag=True, help="Count what differs in more than names and order.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    help="The most cells --distinct compares.",
)
@json_option()
def command(space: str, distinct: bool, limit: int, as_json: bool) -> None:
    """Say how many genotypes a space holds, exactly.

    The plain number is that of the raw decisions, which random search draws from. Genotypes
    that are the same up to names and order count once with --distinct, which compares them
    all and therefore suits small spaces.
    """
    read = reading.space(space)
    raw = count(read)
    if as_json:
        more = {"distinct": count_distinct(read, limit)} if distinct else {}
        output.data_object(space=read.name, count=raw, **more)
        return
    number = count_distinct(read, limit) if distinct else raw
    output.data(f"{number}\n")
    if number >= _READABLE:
        output.note(f"about {_rounded(number)}")


def _rounded(number: int) -> str:
    # Floats end at 10 ** 308; spaces do not.
    digits = str(number)
    return f"{digits[0]}.{digits[1:4]} * 10^{len(digits) - 1}"
