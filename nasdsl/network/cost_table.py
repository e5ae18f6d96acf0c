"""The tables of a cost: the figures people quote, its cells, and what they are made of.

Purpose: what `nasdsl cost` prints below its heading, and what `str(cost)` and notebooks show.
Non-goals: terminals (`nasdsl.cli`). Costs import this when they are shown; it imports rich.
"""

from collections.abc import Iterable, Iterator
from io import StringIO

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from nasdsl.network.cost import Cost, NodeCounts
from nasdsl.network.cost_rows import CostRow, module_rows, part_rows

#: Where there is room for bars; the width of texts.
WIDTH = 80
_BAR = 7
#: Lines of a notebook's cell.
_HTML = "<pre style='line-height: 1.2'>{code}</pre>"


def short_number(number: int) -> str:
    """A number as people say it: 88.75M, 23.78B."""
    for limit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        # By what is said: 999,996 are 1.00M, and not 1000.00k.
        if round(number / limit, 5) >= 1:
            return f"{number / limit:.2f}{letter}"
    return str(number)


def cost_text(counted: Cost) -> str:
    """The tables in 80 columns, without colour or spaces at the ends of lines."""
    console = Console(file=StringIO(), width=WIDTH, no_color=True, force_terminal=False)
    with console.capture() as captured:
        _print(counted, console)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().split("\n"))


def cost_html(counted: Cost) -> str:
    """The tables for a notebook."""
    console = Console(file=StringIO(), width=WIDTH, record=True)
    _print(counted, console)
    return console.export_html(inline_styles=True, code_format=_HTML)


def _print(counted: Cost, console: Console) -> None:
    for table in cost_tables(counted, bars=True):
        console.print(table)


def cost_tables(counted: Cost, *, bars: bool) -> Iterator[Table]:
    """The figures, the cells with their costs, and the ops with theirs.

    Args:
        counted: the cost.
        bars: draw shares as bars too, which takes 80 columns.
    """
    yield _figures(counted)
    yield breakdown("cell", module_rows(counted), counted, bars=bars)
    yield breakdown("made of", part_rows(counted), counted, bars=bars)


def _figures(counted: Cost) -> Table:
    memory = decimal(counted.activation_bytes)
    rows = [
        (counted.params, "parameters"),
        (counted.params_total, "with batch norm's moving statistics"),
        (counted.mult_adds, "mult-adds for one image"),
        (counted.activations, f"activations for one image ({memory} in float32)"),
    ]
    if counted.auxiliary_params:
        rows.append((counted.auxiliary_params, "more in the auxiliary classifier"))
    return figure_table(rows)


def figure_table(rows: Iterable[tuple[int, str]]) -> Table:
    """Numbers, in full and short, each with what it counts."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold green", no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column()
    for number, what in rows:
        table.add_row(f"{number:,}", short_number(number), what)
    return table


def breakdown(
    title: str, rows: Iterable[CostRow], counted: Cost | NodeCounts, *, bars: bool
) -> Table:
    """Rows with their shares of the whole, `counted`."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, collapse_padding=not bars)
    table.add_column(title, no_wrap=bars)
    table.add_column("uses", justify="right", style="dim", no_wrap=True, min_width=4)
    for heading in ("params", "mult-adds"):
        table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("share", width=_BAR + 5 if bars else 5, no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            f"{row.uses}",
            short_number(row.cost.params),
            _share(row.cost.params, counted.params, bars=bars),
            short_number(row.cost.mult_adds),
            _share(row.cost.mult_adds, counted.mult_adds, bars=bars),
        )
    return table


def _share(part: int, whole: int, *, bars: bool) -> Text:
    share = part / whole if whole else 0.0
    bar = "\u2501" * round(share * _BAR) if bars else ""
    return Text.assemble((f"{share:4.0%} ", ""), (bar, "cyan"))
