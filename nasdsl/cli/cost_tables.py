"""The tables of `nasdsl cost`.

Purpose: the network in one line, the figures people quote, then where they come from: by
cell, and by what the cells are made of.
Non-goals: JSON (`nasdsl.cli.cost`).
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nasdsl.cli import output
from nasdsl.network.configuration import Configuration
from nasdsl.network.cost import Cost, Count, ModuleCost, total

_NARROWEST = 80
_BAR = 7
_ROLES = {
    "input": "fitting the inputs",
    "combine": "combining",
    "output": "fitting the outputs",
    "stem": "stem",
    "head": "head",
}


class _Row(NamedTuple):
    name: str
    uses: str
    cost: Count


def print_cost(name: str, network: Configuration, counted: Cost, stream: TextIO) -> None:
    """Print the whole report."""
    console = Console(
        file=stream,
        no_color=not output.colour(stream),
        force_terminal=output.colour(stream),
        highlight=False,
    )
    # A narrow terminal may wrap lines, but no figure is ever cut.
    console.width = max(_NARROWEST, console.width) if stream.isatty() else _NARROWEST
    console.print(Text(f"{name} {network.size}", style="bold"))
    console.print(Text(_network_line(network), style="dim"), end="\n\n")
    console.print(_figures(counted))
    console.print(_breakdown("cell", _module_rows(counted.modules), counted))
    console.print(_breakdown("made of", _part_rows(counted), counted))


def _network_line(network: Configuration) -> str:
    size = network.image_size
    return (
        f"{network.name} skeleton, {network.stem} stem, {size}x{size} pixels, "
        f"{network.classes} classes"
    )


def _figures(counted: Cost) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold green")
    table.add_column(justify="right", style="dim")
    table.add_column()
    memory = f"{counted.activation_bytes / 10**6:,.1f}"
    rows = [
        (counted.params, "parameters"),
        (counted.params_total, "with batch norm's moving statistics"),
        (counted.mult_adds, "mult-adds for one image"),
        (counted.activations, f"activations for one image ({memory} MB in float32)"),
    ]
    if counted.auxiliary_params:
        rows.append((counted.auxiliary_params, "more in the auxiliary classifier"))
    for number, what in rows:
        table.add_row(f"{number:,}", short(number), what)
    return table


def short(number: int) -> str:
    """A number as people say it: 88.75M, 23.78B."""
    for limit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= limit:
            return f"{number / limit:.2f}{letter}"
    return str(number)


def _breakdown(title: str, rows: Iterable[_Row], counted: Cost) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column(title, no_wrap=True)
    table.add_column("uses", justify="right", style="dim", no_wrap=True, min_width=4)
    for heading in ("params", "mult-adds"):
        table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("share", width=_BAR + 5, no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            row.uses,
            short(row.cost.params),
            _share(row.cost.params, counted.params),
            short(row.cost.mult_adds),
            _share(row.cost.mult_adds, counted.mult_adds),
        )
    return table


def _share(part: int, whole: int) -> Text:
    share = part / whole if whole else 0.0
    bar = "\u2501" * round(share * _BAR)
    return Text.assemble((f"{share:4.0%} ", ""), (bar, "cyan"))


def _module_rows(modules: Iterable[ModuleCost]) -> Iterator[_Row]:
    """A row for each run of modules that cost the same."""
    counted = [module for module in modules if not module.for_auxiliary]
    for _, run in groupby(counted, key=lambda module: (module.role, module.kind, module.count)):
        same = list(run)
        first, last = same[0].name, same[-1].name
        name = first if len(same) == 1 else f"{first}-{last.rpartition('.')[2]}"
        kind = f" {same[0].kind}" if same[0].kind else ""
        yield _Row(f"{name}{kind}", f"{len(same)}", total(module.count for module in same))


def _part_rows(counted: Cost) -> Iterator[_Row]:
    """A row for each op, then one for each other role."""
    for op in counted.ops:
        yield _Row(op.op, f"{op.uses}", op.count)
    for role, name in _ROLES.items():
        counts = [
            part.count
            for module in counted.modules
            for part in module.parts
            if part.role == role and not module.for_auxiliary
        ]
        if any(count.params or count.mult_adds for count in counts):
            yield _Row(name, f"{len(counts)}", total(counts))
