"""The commands of nasdsl, by what they are for.

Purpose: one line a command, read by help and completion without importing any of them.
Non-goals: the commands themselves; `nasdsl.cli.NAME` holds each.
"""

import click

from nasdsl import __version__
from nasdsl.cli.command import LazyGroup, import_command

SECTIONS = {
    "Write": {
        "check": "Report every mistake of .cell files.",
        "fmt": "Bring .cell files into the one style.",
        "explain": "Say at length what a code such as NAS201 means.",
    },
    "Build": {
        "compile": "Build a network, run it on an image, write it to a file.",
        "convert": "Read and write the formats of other tools.",
    },
    "Train": {
        "train": "Train a network by a recipe, and keep everything about it in a folder.",
        "search": "Search a space of cells, losing nothing.",
        "eval": "Evaluate a run, or weights, on a data set.",
    },
    "Measure": {
        "cost": "Count parameters and mult-adds of a network.",
        "hash": "Give genotypes that mean the same the same short hash.",
        "diff": "Say what differs between two genotypes.",
    },
    "Draw": {
        "render": "Draw cells, spaces, networks and differences.",
        "plot": "Plot accuracy against size, with genotypes at their computed cost.",
    },
    "Explore": {
        "count": "Say how many genotypes a space holds.",
        "sample": "Draw genotypes from a space.",
        "enumerate": "Print every genotype of a space.",
    },
    "Look up": {
        "list": "List the library: genotypes, spaces, presets, vocabularies.",
        "show": "Print a file of the library.",
        "doctor": "Look at the installation.",
        "completion": "Print a script that makes the shell complete nasdsl's words.",
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    find=import_command,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="nasdsl", message="%(prog)s %(version)s")
def program() -> None:
    """A language and a compiler for neural architecture cells.

    FILE is a path, a name of the library such as nasnet_a, or - for standard input.

    Data goes to standard output, commentary to standard error. Exit codes: 0 ok, 1 findings,
    2 usage, input or output, 70 a mistake of nasdsl, 130 interrupted.
    """
