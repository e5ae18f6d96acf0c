"""`nasdsl list`: the library."""

import sys
from typing import Any

import click

from nasdsl.api.library_entries import LibraryEntry, library_entries
from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command
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
    "--plugins", is_flag=True, help="List what packages bring: backends, search algorithms, ..."
)
@json_option()
def command(plugins: bool, as_json: bool) -> None:
    """List the library: genotypes, networks of them, spaces and vocabularies.

    Networks stand with their parameters and mult-adds as counted, then as published, and their
    published accuracy. Files are described by the first sentence of their leading comment;
    `nasdsl show` prints all of one, and `--preset` of other commands takes the part of a
    network's name that follows its genotype's.
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
