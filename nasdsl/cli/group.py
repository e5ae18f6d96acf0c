"""The commands of nasdsl, by what they are for.

Purpose: one line a command, read by help and completion without importing any of them.
Non-goals: the commands themselves; `nasdsl.cli.NAME` holds each.
"""

import click

from nasdsl import __version__
from nasdsl.cli.command import LazyGroup, import_command

SECTIONS = {
    "Write": {
        "check": "Report every mistake in .cell files.",
        "fmt": "Format .cell files.",
        "explain": "Explain an error code such as NAS201.",
        "lsp": "Run the language server for editors.",
        "play": "Open a file in the playground, in a browser.",
    },
    "Build": {
        "compile": "Build a network, run it on an image, and write it to a file.",
        "convert": "Convert genotypes from and to the formats of other tools.",
    },
    "Train": {
        "train": "Train a network and save the run in a folder.",
        "search": "Search a space of cells.",
        "eval": "Evaluate a run or a file of weights on a data set.",
        "predict": "Print the likeliest classes of images.",
        "detect": "Find objects on images and draw boxes around them.",
        "compare": "Compare runs: results, curves, and settings that differ.",
        "publish": "Publish a trained network with a model card.",
    },
    "Measure": {
        "cost": "Count the parameters and mult-adds of a network.",
        "bench": "Measure how fast networks run, in one runtime or several.",
        "hash": "Print a hash that is the same for equivalent genotypes.",
        "diff": "Show the differences between two genotypes.",
    },
    "Draw": {
        "render": "Draw cells, spaces, networks and differences.",
        "plot": "Plot the accuracy of published and other networks against their size.",
    },
    "Explore": {
        "count": "Count the genotypes in a space.",
        "sample": "Draw random genotypes from a space.",
        "enumerate": "Print every genotype in a space.",
    },
    "Look up": {
        "list": "List the library: genotypes, networks, spaces and vocabularies.",
        "show": "Print a file, a cell as a tree, or a network as text.",
        "doctor": "Check the installation.",
        "completion": "Print a shell completion script.",
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

    Results go to standard output, messages to standard error. Exit codes: 0 success, 1 findings,
    2 usage or input/output error, 70 internal error, 130 interrupted.
    """
