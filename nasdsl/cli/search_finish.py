"""`nasdsl search finish`: train the best networks of a search to convergence."""

from pathlib import Path
from typing import Any

import click

from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command
from nasdsl.cli.settings_flags import settings_options
from nasdsl.language.genotype.settings import Settings


@click.command(
    "finish",
    cls=Command,
    examples="""
        nasdsl search finish s1.db --top 5 --recipe quick --N 1 --filters 192 --out winners
        nasdsl search finish s1.db --top 250 --recipe cifar --data cifar10:data --N 6 --filters 768
    """,
)
@click.argument("store", metavar="STORE", type=click.Path())
@click.option(
    "--top", "count", type=click.IntRange(1), default=10, show_default=True, help="How many."
)
@click.option(
    "--recipe",
    default="cifar",
    show_default=True,
    metavar="NAME",
    help="cifar, imagenet, search, quick, or a .toml file.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a value of the recipe."
)
@click.option(
    "--data", default="digits", show_default=True, metavar="DATA", help="What to train on."
)
@click.option("--download", is_flag=True, help="Fetch the data set where it is missing.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, help="Of every training.")
@click.option("--out", metavar="DIR", help="Where runs and winners go; beside the store.")
@settings_options
@click.option("--device", help="cpu, cuda, mps; by default an accelerator where there is one.")
@click.option(
    "--precision", type=click.Choice(["fp32", "bf16"]), help="bf16: automatic mixed precision."
)
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that load images.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option("Print the winners as a JSON object.")
def command(
    store: str,
    count: int,
    out: str | None,
    settings: Settings,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Train the best networks of a search to convergence, and rank them anew.

    Each network has a run in DIR/runs, by its hash; the winners are DIR/001.cell and so on, with
    both scores in comments. The same command goes on after any end: what is trained is kept, and
    a DIR of another recipe, data, seed or network settings is refused.
    """
    # Imported here because --help should not wait for PyTorch.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.cli.finishing import finished

    folder = Path(out or f"{store.removesuffix('.db')}-finished")
    flags |= {"accumulation": 1, "compiled": False, "channels_last": False}
    winners = finished(Path(store), folder, count, settings, flags, quiet)
    if winners is None:
        return 130
    if as_json:
        output.data_object(out=str(folder), winners=winners)
        return 0
    for place, winner in enumerate(winners, 1):
        output.data(
            f"{place:03}.cell  {winner['accuracy']:7.2%} of {winner['images']} images "
            f"after {flags['recipe']}, "
            f"{winner['reward']:.4f} in the search, {winner['hash']}\n"
        )
    return 0
