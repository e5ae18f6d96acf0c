"""The tables of `nasdsl bench`."""

from collections.abc import Sequence
from itertools import groupby
from typing import TextIO

from rich import box
from rich.table import Table
from rich.text import Text

from nasdsl.api.bench import Contender, Measured
from nasdsl.cli.network_tables import console_for
from nasdsl.errors import plural
from nasdsl.report.visible import visible


def print_measured(measured: Sequence[Measured], stream: TextIO) -> None:
    """Print a table for each network, batch and number of threads.

    Ratios are those of the fastest rounds, to the first row of a table.
    """
    console = console_for(stream)
    for title, group in groupby(measured, key=lambda one: _title(one.contender)):
        console.print(title)
        console.print(_table(list(group)))


def _title(contender: Contender) -> Text:
    threads = plural(contender.threads, "thread")
    name = visible(contender.source)
    where = threads if contender.device == "cpu" else contender.device
    return Text.assemble((name, "bold"), f"  batch {contender.batch}  {where}")


def name_in_table(contender: Contender) -> str:
    """The runtime, and what differs from an optimised network in float32."""
    plain = " plain" if contender.passes is None else ""
    dtype = f" {contender.dtype}" if contender.dtype else ""
    return f"{contender.runtime}{plain}{dtype}"


def _table(measured: Sequence[Measured]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("runtime", no_wrap=True)
    for heading in ("ms", "spread", "ratio", "load s", "MB", "off by"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in measured:
        memory = "-" if one.peak_memory is None else f"{one.peak_memory / 1e6:.0f}"
        table.add_row(
            name_in_table(one.contender),
            f"{1e3 * one.latency:.1f}",
            f"{1e3 * one.spread:.1f}",
            f"{one.fastest / measured[0].fastest:.2f}",
            f"{one.load_seconds:.1f}",
            memory,
            f"{one.relative_error:.0e}",
        )
    return table
