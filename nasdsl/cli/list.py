"""`nasdsl list`: the library."""

import sys
from typing import Any

import click

from nasdsl.api.library_entries import LibraryEntry, library_entries
from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import json_option
from nasdsl.library.published import sources


@click.command(
    "list",
    cls=Command,
    examples="""
        nasdsl list
        nasdsl list --json
        nasdsl list --plugins
    """,
)
@click.option(
    "--plugins",
    is_flag=True,
    help="List the installed backends, search algorithms and other plugins instead.",
)
@json_option()
def command(plugins: bool, as_json: bool) -> None:
    """List the library: genotypes, networks, spaces and vocabularies.

    Networks are listed with their parameters and mult-adds as counted and as published, and with
    their published accuracy. `nasdsl show NAME` prints a file. The part of a network's name that
    follows the name of its genotype is its preset: `--preset cifar` of `darts_v2` is
    `darts_v2_cifar`.
    """
    if plugins:
        _print_plugins(as_json)
        return
    found = library_entries()
    if as_json:
        output.data_object(entries=[_members(entry) for entry in found], sources=sources())
        return
    # Imported here because scripts that ask for JSON need no tables.
    from nasdsl.cli.list_tables import print_entries

    print_entries(found, sys.stdout)


def _print_plugins(as_json: bool) -> None:
    # Imported here because nothing else of this command looks at what is installed.
    from nasdsl.cli.plugins import lines, members

    if as_json:
        output.data_object(plugins=members())
        return
    output.data("\n".join(lines()))


def _members(entry: LibraryEntry) -> dict[str, Any]:
    """What scripts get."""
    members = entry._asdict()
    size, published = members.pop("size"), members.pop("published")
    members |= {"params": size.params, "mult_adds": size.mult_adds} if size else {}
    members |= {"published": published._asdict()} if published else {}
    return members
