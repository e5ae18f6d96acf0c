"""`nasdsl search export`: a search's trials for other programs."""

from pathlib import Path

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command


@click.command(
    "export",
    cls=Command,
    examples="""
        nasdsl search export s1.db trials.csv
        nasdsl search export s1.db trials.parquet
        nasdsl search export s1.db study.db
    """,
)
@click.argument("store", metavar="STORE", type=click.Path())
@click.argument("out", metavar="OUT", type=click.Path())
def command(store: str, out: str) -> None:
    """Write every trial of a search: .csv, .parquet, or .db for an Optuna study."""
    from nasdsl.search.exporting import export_trials
    from nasdsl.search.store import Reader

    with Reader(Path(store)) as opened:
        count = export_trials(opened, Path(out))
    output.note(f"wrote {count:,} trials to {out}")
