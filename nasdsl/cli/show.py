"""`nasdsl show`: a file of the library."""

import click

from nasdsl import library
from nasdsl.cli import output
from nasdsl.cli.arguments import complete_name
from nasdsl.cli.command import Command


@click.command(
    "show",
    cls=Command,
    examples="""
        nasdsl show nasnet_a
        nasdsl show nasnet > my_vocabulary.cell
    """,
)
@click.argument("name", shell_complete=complete_name)
def command(name: str) -> None:
    """Print a file of the library as it is, comments included."""
    output.data(library.source(name.removesuffix(".cell")).text)
