"""`nasdsl train`: train a network, or continue a run."""

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_data, complete_file, forms
from nasdsl.cli.options import (
    changes_of,
    device_option,
    is_given,
    json_option,
    ops_option,
    precision_option,
    recipe_option,
    scan_option,
    set_option,
    settings_options,
)
from nasdsl.cli.output import INTERRUPTED, OK
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.parser.read import is_model

if TYPE_CHECKING:
    from nasdsl.train.planning import RunPlan
    from nasdsl.train.results import Fitted
    from nasdsl.train.run_folder import Job, RunFolder

#: Parameters that a resumed run takes from its folder.
_RUN_FLAGS = (
    *("data", "recipe", "changes", "seed", "out", "download", "device", "precision"),
    *("accumulation", "compiled", "channels_last", "workers"),
)


@click.command(
    "train",
    cls=Command,
    examples="""
        nasdsl train nasnet_a --N 1 --filters 96 --out runs/digits
        nasdsl train my.cell --data cifar10:data --recipe cifar --N 6 --filters 768 --out runs/c10
        nasdsl train nasnet_a_mobile --data imagenet:data --recipe imagenet_mobile --out runs/mobile
        nasdsl train my.cell --recipe quick --set epochs=100 --set lr=0.05 --out runs/longer
        nasdsl train --resume runs/c10
    """,
)
@click.argument("file", required=False, metavar="[FILE]", shell_complete=complete_file)
@click.option(
    "--data",
    default="digits",
    show_default=True,
    metavar="DATA",
    shell_complete=complete_data,
    help=f"Data set: {', '.join(forms('datasets'))}.",
)
@recipe_option("quick")
@set_option
@click.option("--out", metavar="RUN", type=click.Path(), help="New folder for the run.")
@click.option("--resume", metavar="RUN", type=click.Path(), help="Continue the run in this folder.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of everything that is random: weights, order of images, augmentation.",
)
@settings_options
@ops_option
@click.option("--download", is_flag=True, help="Download the data set if it is missing.")
@scan_option
@device_option
@precision_option
@click.option(
    "--accumulate",
    "accumulation",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Cut each batch into this many parts, to save memory.",
)
@click.option("--compile", "compiled", is_flag=True, help="Use torch.compile.")
@click.option("--channels-last", is_flag=True, help="Keep tensors in the channels_last format.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many processes load images.",
)
@click.option(
    "--save-minutes",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    help="Minutes between checkpoints within an epoch.",
)
@click.option("--no-tensorboard", is_flag=True, help="Write no scalars for TensorBoard.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option("Print the result as a JSON object.")
@click.pass_context
def command(
    context: click.Context,
    /,
    file: str | None,
    out: str | None,
    resume: str | None,
    settings: Settings,
    save_minutes: float,
    no_tensorboard: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Train a network by a recipe and save the run in a folder.

    The data set determines the classes and channels of the network. For everything else, flags
    take precedence over the network block of FILE, and FILE over the recipe. RUN will contain
    the text of the network, the recipe with every value, checkpoints, metrics.jsonl, the trained
    model.safetensors, and report.md with the curves.

    Ctrl-C saves a checkpoint and stops with exit code 130; --resume RUN then continues as if
    nothing had happened. Under torchrun the processes share each batch.
    """
    # Imported here because --help should not wait for PyTorch.
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    from nasdsl.cli.train_progress import close, watchers_for_terminal
    from nasdsl.train.execution import is_first_process
    from nasdsl.train.loop import Interrupted
    from nasdsl.train.planning import recorded_plan
    from nasdsl.train.run import leave_processes, train_run
    from nasdsl.train.run_folder import RunFolder

    if resume is not None:
        _refuse_with_resume(context, file, settings)
        folder = RunFolder(resume)
        plan = recorded_plan(folder)
    elif file is None or out is None:
        raise click.UsageError("FILE and --out RUN start a run; --resume RUN continues one.")
    else:
        if is_model(file):
            output.note(
                f"note: the weights in {file!r} are not used; training starts from new ones"
            )
        folder, plan = _begun(file, settings, out, quiet, flags)
    speaks = is_first_process()
    watchers = watchers_for_terminal(quiet or not speaks)
    try:
        fitted = train_run(
            folder,
            plan,
            watchers=watchers,
            save_seconds=60 * save_minutes,
            tensorboard=not no_tensorboard,
        )
    except Interrupted as interrupted:
        close(watchers)
        if speaks:
            output.note(f"interrupted after step {interrupted.step}; everything is saved")
            output.note(f"to continue, run `nasdsl train --resume {folder.path}`")
        return INTERRUPTED
    finally:
        close(watchers)
        leave_processes()
    if speaks:
        output.warn(fitted.findings)
        _print(folder, plan.job, fitted, as_json)
    return OK


def _refuse_with_resume(context: click.Context, file: str | None, settings: Settings) -> None:
    """A run continues as it began: what would change it is refused."""
    given = [name for name in _RUN_FLAGS if is_given(context, name)]
    given += list(settings.given()) + (["FILE"] if file is not None else [])
    if given:
        raise click.UsageError(
            f"--resume continues the run as it began, and {given[0]} would change it."
        )


def _begun(
    file: str, settings: Settings, out: str, quiet: bool, flags: dict[str, Any]
) -> "tuple[RunFolder, RunPlan]":
    """A new run: its folder, and what it does."""
    from nasdsl.cli.train_progress import scan
    from nasdsl.train.execution import Execution, is_first_process
    from nasdsl.train.planning import begin_run, plan_run

    plan = plan_run(
        reading.cells(file, flags["ops"]),
        data=flags["data"],
        recipe=flags["recipe"],
        changes=changes_of(flags),
        settings=settings,
        seed=flags["seed"],
        execution=Execution(
            flags["device"],
            flags["accumulation"],
            flags["compiled"],
            flags["channels_last"],
            flags["workers"],
        ),
        download=flags["download"],
    )
    if is_first_process() and not flags["no_scan"]:
        scan(plan.splits, quiet)
    folder = begin_run(out, plan, ["nasdsl", *sys.argv[1:]])
    if is_first_process():
        output.warn(plan.warnings)
        for remark in plan.remarks:
            output.note(f"note: {remark}")
    return folder, plan


def _print(folder: "RunFolder", job: "Job", fitted: "Fitted", as_json: bool) -> None:
    from nasdsl.train.run_folder import MODEL, REPORT

    if as_json:
        output.data_object(
            run=os.fspath(folder.path),
            seed=job.seed,
            data=job.data,
            recipe=asdict(job.recipe),
            held_out=None if fitted.held_out is None else asdict(fitted.held_out),
            test=None if fitted.test is None else asdict(fitted.test),
            steps=fitted.steps,
            epochs=len(fitted.history),
            seconds=round(fitted.seconds, 3),
            model=os.fspath(folder / MODEL),
        )
        return
    for what, found in (("held out", fitted.held_out), ("test", fitted.test)):
        if found is not None:
            accuracy = click.style(f"{found.accuracy:.2%}", bold=True)
            output.data(f"{what:<9} {accuracy} of {plural(found.images, 'image')}\n")
    output.data(f"model     {folder / MODEL}\nreport    {folder / REPORT}\n")
