"""`nasdsl eval`: how well a trained network does."""

from dataclasses import asdict
from typing import Any

import click

from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command


@click.command(
    "eval",
    cls=Command,
    examples="""
        nasdsl eval runs/digits
        nasdsl eval runs/c10 --split held_out
        nasdsl eval model.safetensors --data cifar10:data --recipe cifar
        nasdsl eval nasnet_large.pth --network nasnet_a_large --data imagenet:data
    """,
)
@click.argument("what", metavar="RUN_OR_WEIGHTS", type=click.Path())
@click.option("--data", metavar="DATA", help="As train has it; by default what RUN trained on.")
@click.option(
    "--recipe",
    metavar="NAME",
    help="Says how images are prepared; by default RUN's, else quick.",
)
@click.option(
    "--split",
    type=click.Choice(["test", "held_out", "train"]),
    help="Which part of the data; by default test, or held_out where there is no test.",
)
@click.option("--network", metavar="FILE", help="The network, where the weights do not say.")
@click.option("--download", is_flag=True, help="Fetch the data set where it is missing.")
@click.option("--batch", type=click.IntRange(1), default=128, show_default=True, help="At a time.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that load images.")
@click.option("--device", help="cpu, cuda, mps; by default an accelerator where there is one.")
@json_option()
def command(
    what: str,
    as_json: bool,
    **flags: Any,
) -> None:
    """Evaluate a run, or weights, on a data set.

    A run is evaluated with its final model, or its newest checkpoint while it is not done.
    Weights are a .safetensors file that nasdsl wrote, or with --network any file that
    `nasdsl compile --weights` reads.
    """
    # Imported here because --help should not wait for PyTorch.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.train.model_evaluation import evaluate_model

    found = evaluate_model(what, **flags)
    result = found.evaluation
    if as_json:
        output.data_object(
            network=found.network, data=found.data, split=found.split, **asdict(result)
        )
        return
    accuracy = output.styled(f"{result.accuracy:.2%}", bold=True)
    output.data(
        f"{found.network} on {found.data}, {found.split.replace('_', ' ')}: "
        f"{accuracy} of {result.images:,} images\n"
        f"loss {result.loss:.4f}, top 5 {result.accuracy_top5:.2%}, {result.seconds:.1f} s\n"
    )
