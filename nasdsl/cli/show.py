"""`nasdsl show`: a file of the library, the tree of a cell, or the graph of a network."""

import sys

import click

from nasdsl import library
from nasdsl.cli import output
from nasdsl.cli.arguments import complete_file
from nasdsl.cli.command import Command
from nasdsl.cli.settings_flags import ops_option, settings_options
from nasdsl.language.genotype.settings import Settings


@click.command(
    "show",
    cls=Command,
    examples="""
        nasdsl show nasnet_a
        nasdsl show nasnet > my_vocabulary.cell
        nasdsl show nasnet_a --tree
        nasdsl show my_cell.cell --tree
        nasdsl show nasnet_a --graph --stem cifar --N 1 --filters 96
    """,
)
@click.argument("name", shell_complete=complete_file)
@click.option("--tree", is_flag=True, help="Draw the cells as trees; NAME may be any FILE.")
@click.option(
    "--graph", is_flag=True, help="Print the network, a line for each node; NAME may be any FILE."
)
@settings_options
@ops_option
def command(name: str, tree: bool, graph: bool, settings: Settings, ops: str | None) -> None:
    """Print a file of the library as it is, comments included.

    With --tree, draw the cells instead: what the output joins, and below each block its ops
    and what they read. It needs no Graphviz.

    With --graph, print the network that the flags and the file describe: its modules in the
    order they run, and every primitive with its inputs and its shape (channels, height,
    width). What several modules share is printed once.
    """
    if tree and graph:
        raise click.UsageError("--tree draws cells and --graph a network; choose one.")
    if not graph and (settings.given() or ops is not None):
        flag = "ops" if ops is not None else next(iter(settings.given()))
        raise click.UsageError(
            f"--{flag.replace('_', '-')} describes a network, which --graph shows."
        )
    if tree:
        _print_tree(name)
    elif graph:
        _print_graph(name, settings, ops)
    else:
        output.data(library.source(name.removesuffix(".cell")).text)


def _print_graph(name: str, settings: Settings, ops: str | None) -> None:
    # Imported here because most uses only print a file.
    from nasdsl.cli import reading
    from nasdsl.network.text import graph_text

    output.data(graph_text(reading.network(name, settings, ops).graph()))


def _print_tree(name: str) -> None:
    # Imported here because most uses only print a file.
    from rich.console import Console

    from nasdsl.cli import reading
    from nasdsl.drawing.tree import space_tree

    colour = output.colour(sys.stdout)
    # Wide enough that a pipe never wraps.
    width = None if sys.stdout.isatty() else 200
    console = Console(
        no_color=not colour, force_terminal=colour, highlight=False, soft_wrap=True, width=width
    )
    console.print(space_tree(reading.space(name)))
