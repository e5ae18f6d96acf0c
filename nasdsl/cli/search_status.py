"""`nasdsl search status`: how far a search is."""

from pathlib import Path

import click

from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command


@click.command(
    "status",
    cls=Command,
    examples="""
        nasdsl search status s1.db
        nasdsl search status s1.db --json
    """,
)
@click.argument("store", metavar="STORE", type=click.Path())
@json_option()
def command(store: str, as_json: bool) -> None:
    """Say how far a search is. It may be running, here or elsewhere, and is not disturbed."""
    from nasdsl.cli.searching import counted, summary
    from nasdsl.search.store import Reader

    with Reader(Path(store)) as opened:
        settings, counts, best = opened.settings(), opened.counts(), opened.best(1)
    known = {key: settings.get(key) for key in ("algorithm", "evaluator", "seed", "trials")}
    if as_json:
        found = summary(best[0]) if best else None
        output.data_object(store=store, **counted(counts), **known, best=found)
        return
    output.data(
        f"{known['algorithm']} with {known['evaluator']}, seed {known['seed']}\n"
        f"completed  {counts.completed:,} of {known['trials']:,}\n"
        f"unique     {counts.unique:,}\n"
        f"running    {counts.running:,}\n"
        f"failed     {counts.failed:,}, {counts.quarantined:,} of them quarantined\n"
        f"rejected   {counts.rejected:,}\n"
    )
    for trial in best:
        output.data(f"best       {trial.reward:.6g}, trial {trial.id}, hash {trial.hash}\n")
