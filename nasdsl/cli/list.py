"""`nasdsl list`: the library."""

import re
from typing import NamedTuple

import click

from nasdsl import library
from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command
from nasdsl.errors import Source
from nasdsl.parser import parse
from nasdsl.syntax import tree

_TITLES = {
    "genotype": "Genotypes",
    "preset": "Presets: a genotype and its network",
    "space": "Spaces",
    "vocabulary": "Vocabularies",
}


class Entry(NamedTuple):
    """A file of the library."""

    name: str
    kind: str
    description: str


@click.command(
    "list",
    cls=Command,
    examples="""
        nasdsl list
        nasdsl list --json
    """,
)
@json_option()
def command(as_json: bool) -> None:
    """List the library: genotypes, presets, spaces and vocabularies.

    Each is described by the first sentence of its leading comment; `nasdsl show` prints all.
    """
    found = entries()
    if as_json:
        output.data_object(entries=[entry._asdict() for entry in found])
        return
    width = max(len(entry.name) for entry in found)
    for number, (kind, title) in enumerate(_TITLES.items()):
        output.data(("\n" if number else "") + output.styled(title, bold=True) + "\n")
        for entry in found:
            if entry.kind == kind:
                output.data(f"  {entry.name:<{width}}  {entry.description}".rstrip() + "\n")


def entries() -> list[Entry]:
    """The library's files, in the order of their names."""
    found = [_entry(library.source(name)) for name in library.names()]
    return [
        *found,
        *(
            Entry(name, "vocabulary", _description(library.source(name)))
            for name in library.vocabulary_names()
        ),
    ]


def _entry(source: Source) -> Entry:
    name = source.name.removesuffix(".cell")
    return Entry(name, _kind(parse(source).file), _description(source))


def _kind(file: tree.File) -> str:
    cells = [item for item in file.items if isinstance(item, tree.Cell)]
    if any(isinstance(item, tree.Network) for item in file.items):
        return "preset"
    fields = (
        field
        for cell in cells
        for statement in cell.statements
        if not isinstance(statement, tree.Output)
        for field in statement.tuple.fields
    )
    open_ = any(isinstance(field, tree.Hole | tree.Choice) for field in fields)
    return "space" if open_ else "genotype"


def _description(source: Source) -> str:
    """The first sentence of the comment the text begins with."""
    lines = []
    for line in source.text.split("\n"):
        if not line.startswith("#") or not line.lstrip("# "):
            break
        lines.append(line.lstrip("# "))
    # A capital tells the end of a sentence from "et al. 2018".
    return re.split(r"\.\s+(?=[A-Z])", " ".join(lines))[0].removesuffix(".")
