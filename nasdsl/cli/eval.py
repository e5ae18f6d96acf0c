"""`nasdsl eval`: how well a trained network does."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.completers import (
    complete_data,
    complete_file,
    complete_installed,
    complete_recipe,
    installed,
)
from nasdsl.cli.options import Words, device_option, download_option, json_option, workers_option
from nasdsl.errors import plural
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.train.model_evaluation import ModelEvaluation


@click.command(
    "eval",
    cls=Command,
    examples="""
        nasdsl eval runs/digits
        nasdsl eval runs/c10 --split held_out
        nasdsl eval runs/five
        nasdsl eval runs/digits --runtime onnxruntime --dtype int8
        nasdsl eval model.safetensors --data cifar10:data --recipe cifar
        nasdsl eval nasnet_large.pth --network nasnet_a_large --data imagenet:data
    """,
)
@click.argument("what", metavar="RUN_OR_WEIGHTS", type=click.Path())
@click.option(
    "--data",
    metavar="DATA",
    shell_complete=complete_data,
    help="Data set.  [default: that of RUN, or digits]",
)
@click.option(
    "--recipe",
    metavar="NAME",
    shell_complete=complete_recipe,
    help="Recipe that says how images are prepared.  [default: that of RUN, or quick]",
)
@click.option(
    "--split",
    type=Words(["test", "held_out", "train"]),
    help="Part of the data.  [default: test, or held_out if there are no test images]",
)
@click.option(
    "--network",
    metavar="FILE",
    shell_complete=complete_file,
    help="Network that the weights belong to, if their file does not say.",
)
@download_option
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    help="How many images to evaluate at once.",
)
@workers_option
@device_option
@click.option(
    "--runtime",
    metavar="NAME",
    shell_complete=complete_installed("runtimes"),
    help="Evaluate the optimised network in this runtime as well: "
    f"{', '.join(installed('runtimes'))}.",
)
@click.option(
    "--dtype",
    type=Words(["float32", "bfloat16", "int8"]),
    help="Data type in which the runtime computes; int8 is calibrated with training images.  "
    "[default: that of the weights]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 4096),
    help="How many CPU threads the runtime uses.  [default: PyTorch's]",
)
@json_option()
def command(
    what: str,
    as_json: bool,
    **flags: Any,
) -> None:
    """Evaluate a run or a file of weights on a data set.

    A run is evaluated with its final model or, until it has one, with its newest checkpoint. The
    folder of `nasdsl train --seeds` stands for its runs, and their mean is printed too. Weights are
    a .safetensors file written by nasdsl or, with --network, any file that
    `nasdsl compile --weights` can read.
    """
    if flags["runtime"] is None and (flags["dtype"] or flags["threads"]):
        raise click.UsageError(f"--{'dtype' if flags['dtype'] else 'threads'} requires --runtime.")
    from nasdsl.detection.run_kind import is_detection_run

    if is_detection_run(what):
        from nasdsl.cli import eval_detection

        for name in eval_detection.NOT_FOR_EVALUATION:
            if flags.get(name) is not None:
                raise click.UsageError(f"--{name} does not apply to the run of a detector.")
        eval_detection.evaluate(what, flags["data"], flags["device"], as_json)
        return
    # Imported here because --help should not wait for them.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.train.model_evaluation import evaluate_model
    from nasdsl.train.results import mean_of
    from nasdsl.train.run_folder import has_seeds, seed_folders

    if not has_seeds(what):
        found = evaluate_model(what, **flags)
        _note_unfinished(what, found)
        if as_json:
            output.data_object(**_members(found))
        else:
            output.data(_text(found))
        return
    every = []
    for folder in seed_folders(what):
        path = os.fspath(folder.path)
        every.append((path, found := evaluate_model(path, **flags)))
        _note_unfinished(path, found)
        if not as_json:
            output.data(f"{visible(path)}: {_text(found)}")
    mean = mean_of([found.evaluation.accuracy for _, found in every])
    if as_json:
        runs = [{"run": path, **_members(found)} for path, found in every]
        output.data_object(runs=runs, mean=mean._asdict())
    else:
        output.data(f"mean: {mean}\n")


def _note_unfinished(path: str, found: "ModelEvaluation") -> None:
    if found.step is not None:
        output.note(
            f"note: {path!r} is not finished; this is its checkpoint after step {found.step:,}, "
            f"with {plural(found.epochs or 0, 'complete epoch')}"
        )


def _members(found: "ModelEvaluation") -> dict[str, Any]:
    """What scripts get."""
    return {
        "network": found.network,
        "data": found.data,
        "split": found.split,
        "finished": found.step is None,
        "step": found.step,
        **asdict(found.evaluation),
        "runtime": found.runtime or None,
        "in_runtime": None if found.in_runtime is None else asdict(found.in_runtime),
    }


def _text(found: "ModelEvaluation") -> str:
    result = found.evaluation
    accuracy = click.style(f"{result.accuracy:.2%}", bold=True)
    text = (
        f"{found.network} on {found.data}, {found.split.replace('_', ' ')}: "
        f"{accuracy} of {plural(result.images, 'image')}\n"
        f"loss {result.loss:.4f}, top 5 {result.accuracy_top5:.2%}, {result.seconds:.1f} s\n"
    )
    there = found.in_runtime
    if there is None:
        return text
    return text + (
        f"in {found.runtime}: {click.style(f'{there.accuracy:.2%}', bold=True)}, "
        f"loss {there.loss:.4f}, top 5 {there.accuracy_top5:.2%}, {there.seconds:.1f} s\n"
    )
