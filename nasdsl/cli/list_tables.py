"""The tables of `nasdsl list`.

Purpose: a table a kind of file; networks by family, with their size as counted and as published.
Non-goals: what is in the library (`nasdsl.api.library_entries`), JSON (`nasdsl.cli.list`).
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nasdsl.api.library_entries import Kind, LibraryEntry
from nasdsl.cli import output
from nasdsl.library.published import Data
from nasdsl.network.cost_table import short_number

#: A narrower terminal wraps whole lines.
_NARROWEST = 60
#: From here on there is room for sources.
_WIDE = 80
#: Outside terminals nothing wraps.
_WIDEST = 1000
_TITLES: dict[Kind, str] = {
    "genotype": "Genotypes",
    "space": "Spaces",
    "vocabulary": "Vocabularies",
}
_TRAILING = re.compile(r"(?: |\x1b\[[\d;]*m)+$")
_DATA: tuple[Data | None, ...] = ("CIFAR-10", "ImageNet", None)


def print_entries(entries: Sequence[LibraryEntry], stream: TextIO) -> None:
    """Print all tables."""
    colour = output.colour(stream)
    text = StringIO()
    console = Console(file=text, no_color=not colour, force_terminal=colour, highlight=False)
    terminal = shutil.get_terminal_size().columns
    console.width = max(_NARROWEST, terminal) if stream.isatty() else _WIDEST
    for kind, title in _TITLES.items():
        if kind == "space":
            _print_networks(console, [entry for entry in entries if entry.kind == "network"])
        console.print(Text(title, style="bold"))
        console.print(_descriptions(entry for entry in entries if entry.kind == kind))
    # Tables fill their last column with spaces; nobody wants those in a file.
    lines = text.getvalue().rstrip().split("\n")
    stream.write("".join(f"{_TRAILING.sub(_escapes, line)}\n" for line in lines))


def _escapes(end: re.Match[str]) -> str:
    return end[0].replace(" ", "")


def _print_networks(console: Console, networks: Sequence[LibraryEntry]) -> None:
    for data in _DATA:
        found = [entry for entry in networks if _data(entry) == data]
        if found:
            title = f"Networks for {data}" if data else "Networks without published figures"
            console.print(Text(title, style="bold"))
            console.print(_figures(found, wide=console.width >= _WIDE))


def _data(entry: LibraryEntry) -> Data | None:
    return entry.published.data if entry.published else None


def _table(gap: int = 2) -> Table:
    return Table(box=None, show_header=False, padding=(0, gap, 0, 0), pad_edge=False)


def _descriptions(entries: Iterable[LibraryEntry]) -> Table:
    table = _table()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in entries:
        table.add_row(f"  {entry.name}", entry.description)
    table.add_row()
    return table


def _figures(networks: Sequence[LibraryEntry], *, wide: bool) -> Table:
    """Networks by family; published figures are dim."""
    table = _table(2 if wide else 1)
    table.show_header = True
    table.add_column("", no_wrap=True)
    for heading in ("\nparams", "mult-\nadds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in (f"{'published' if wide else 'paper'}\nparams", "mult-\nadds", "top-1\n%"):
        table.add_column(heading, justify="right", no_wrap=True, style="dim")
    if wide:
        table.add_column("\nsource", style="dim", no_wrap=True)
    by_family = sorted(networks, key=lambda entry: entry.family)
    for family, group in groupby(by_family, key=lambda entry: entry.family):
        table.add_row(Text(f" {family}", style="italic"))
        for entry in group:
            assert entry.size is not None
            counted = (short_number(number) for number in entry.size)
            source = (entry.source,) if wide else ()
            table.add_row(f"  {entry.name}", *counted, *_published(entry), *source)
    table.add_row()
    return table


def _published(entry: LibraryEntry) -> tuple[str, str, str]:
    found = entry.published
    if found is None:
        return "", "", ""
    # As papers print them: errors of CIFAR-10 have two decimals, accuracies of ImageNet one.
    accuracy = f"{found.accuracy:.{2 if found.data == 'CIFAR-10' else 1}f}"
    return _millions(found.params), _millions(found.mult_adds), accuracy


def _millions(number: float | None) -> str:
    """A published figure of millions, with the digits it was given."""
    if number is None:
        return ""
    if number < 1000:
        return f"{number:g}M"
    return f"{number / 1000:#.3g}".rstrip(".") + "B"
