"""`nasdsl show`: a file of the library, or the tree of a cell."""

import sys

import click

from nasdsl import library
from nasdsl.cli import output
from nasdsl.cli.arguments import complete_file
from nasdsl.cli.command import Command


@click.command(
    "show",
    cls=Command,
    examples="""
        nasdsl show nasnet_a
        nasdsl show nasnet > my_vocabulary.cell
        nasdsl show nasnet_a --tree
        nasdsl show my_cell.cell --tree
    """,
)
@click.argument("name", shell_complete=complete_file)
@click.option("--tree", is_flag=True, help="Draw the cells as trees; NAME may be any FILE.")
def command(name: str, tree: bool) -> None:
    """Print a file of the library as it is, comments included.

    With --tree, draw the cells instead: what the output joins, and below each block its ops
    and what they read. It needs no Graphviz.
    """
    if tree:
        _print_tree(name)
    else:
        output.data(library.source(name.removesuffix(".cell")).text)


def _print_tree(name: str) -> None:
    # Imported here because most uses only print a file.
    from rich.console import Console

    from nasdsl.cli import reading
    from nasdsl.drawing.tree import cell_trees

    colour = output.colour(sys.stdout)
    # Wide enough that a pipe never wraps.
    width = None if sys.stdout.isatty() else 200
    console = Console(
        no_color=not colour, force_terminal=colour, highlight=False, soft_wrap=True, width=width
    )
    console.print(cell_trees(reading.space(name)))
