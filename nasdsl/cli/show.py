"""`nasdsl show`: a file, the tree of a cell, or the graph of a network."""

import sys

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_file
from nasdsl.cli.options import ops_option, settings_options
from nasdsl.language.genotype.settings import Settings
from nasdsl.report.visible import visible_source


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
@click.argument("name", metavar="FILE", shell_complete=complete_file)
@click.option("--tree", is_flag=True, help="Draw the cells as trees.")
@click.option("--graph", is_flag=True, help="Print the network, a line for each node.")
@settings_options
@ops_option
def command(name: str, tree: bool, graph: bool, settings: Settings, ops: str | None) -> None:
    """Print a file of the library, or any other file, including its comments.

    With --tree, draw the cells as trees instead: the states that the output joins, and below
    each block its ops and their inputs. This does not need Graphviz.

    With --graph, print the network that the flags and the file describe: its modules in the
    order in which they run, and every primitive with its inputs and its shape (channels, height,
    width). A body that several modules share is printed once.
    """
    if tree and graph:
        raise click.UsageError("--tree and --graph cannot be combined.")
    if not graph and (settings.given() or ops is not None):
        flag = "ops" if ops is not None else next(iter(settings.given()))
        raise click.UsageError(
            f"--{flag.replace('_', '-')} describes a network; use it with --graph."
        )
    if tree:
        _print_tree(name)
    elif graph:
        _print_graph(name, settings, ops)
    else:
        _print_text(reading.source(name).text)


def _print_text(text: str) -> None:
    """Print it as it is; on a terminal, spell out what could drive the terminal."""
    if not sys.stdout.isatty():
        output.data_bytes(text.encode("utf-8"))
        return
    lines = text.removesuffix("\n").split("\n")
    output.data("".join(f"{visible_source(line)}\n" for line in lines))


def _print_graph(name: str, settings: Settings, ops: str | None) -> None:
    # Imported here because most uses only print a file.
    from nasdsl.network.text import graph_text

    output.data(graph_text(reading.network(name, settings, ops)))


def _print_tree(name: str) -> None:
    # Imported here because most uses only print a file.
    from rich.console import Console

    from nasdsl.drawing.tree import space_tree

    colour = output.colour(sys.stdout)
    # Wide enough that a pipe never wraps.
    width = None if sys.stdout.isatty() else 200
    console = Console(
        no_color=not colour, force_terminal=colour, highlight=False, soft_wrap=True, width=width
    )
    console.print(space_tree(reading.space(name)))
