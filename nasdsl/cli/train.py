"""`nasdsl train`: train a network, or continue a run."""

import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_data, complete_file, complete_installed, forms, installed
from nasdsl.cli.options import (
    Words,
    changes_of,
    device_option,
    download_option,
    is_given,
    json_option,
    ops_option,
    precision_option,
    recipe_option,
    scan_option,
    set_option,
    settings_options,
    weights_options,
    workers_option,
)
from nasdsl.cli.output import FINDINGS, INTERRUPTED, OK
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.parser.read import is_model
from nasdsl.report.visible import visible

if TYPE_CHECKING:
    from nasdsl.train.planning import RunPlan
    from nasdsl.train.results import Fitted
    from nasdsl.train.run_folder import Job, RunFolder
    from nasdsl.train.seeds import SeedRun
    from nasdsl.train.watchers import Watcher

#: More seeds than this are a typing error.
_MAX_SEEDS, _MAX_DIGITS = 1_000, 5

#: Parameters that a resumed run takes from its folder.
_RUN_FLAGS = (
    *("data", "recipe", "changes", "seed", "out", "download", "device", "precision"),
    *("accumulation", "compiled", "channels_last", "workers"),
    *("seeds", "weights", "layout", "drop_background", "reset_classifier", "loggers"),
)


def _seeds(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...] | int | None:
    """How many seeds, or which: `5`, `3-7`, `1,4,9` or `0-2,7`."""
    if value is None:
        return None
    if value.isascii() and value.isdecimal() and len(value) < _MAX_DIGITS:
        count = int(value)
        if 1 <= count <= _MAX_SEEDS:
            return count
    elif "," in value or "-" in value:
        found: list[int] = []
        for part in value.split(","):
            match = re.fullmatch(r"\s*(\d{1,18})(?:-(\d{1,18}))?\s*", part, re.ASCII)
            if match is None:
                break
            first, last = int(match[1]), int(match[2] or match[1])
            if not 0 <= last - first < _MAX_SEEDS - len(found):
                break
            found += range(first, last + 1)
        else:
            if len(set(found)) == len(found):
                return tuple(found)
    raise click.BadParameter(
        f"{value[:40]!r} is neither a number from 1 to {_MAX_SEEDS:,} nor different seeds "
        "such as 3-7 or 1,4,9.",
        ctx,
        param,
    )


@click.command(
    "train",
    cls=Command,
    examples="""
        nasdsl train nasnet_a --N 1 --filters 96 --out runs/digits
        nasdsl train my.cell --data cifar10:data --recipe cifar --N 6 --filters 768 --out runs/c10
        nasdsl train nasnet_a_mobile --data imagenet:data --recipe imagenet_mobile --out runs/mobile
        nasdsl train my.cell --recipe quick --set epochs=100 --set lr=0.05 --out runs/longer
        nasdsl train my.cell --N 1 --filters 192 --seeds 5 --out runs/five
        nasdsl train my.cell --data imagefolder:pets --weights w.pth --reset-classifier --out runs/p
        nasdsl train my.cell --task detection --data coco:shapes --N 1 --cell-filters 8 --out runs/s
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
@click.option(
    "--task",
    type=Words(("classification", "detection")),
    default="classification",
    show_default=True,
    help="Train a classifier, or a Faster R-CNN on --data coco:DIR.",
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
@click.option(
    "--seeds",
    metavar="SEEDS",
    callback=_seeds,
    help="Train once with each of several seeds: how many from --seed on, or 3-7, or 1,4,9.",
)
@weights_options("File of weights to start from, such as a published checkpoint.")
@click.option(
    "--reset-classifier",
    is_flag=True,
    help="Load everything in --weights except the classifier, which is drawn at random.",
)
@settings_options
@ops_option
@download_option
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
@click.option(
    "--channels-last",
    is_flag=True,
    help="Keep tensors in the channels_last format, which is faster on a CPU.",
)
@workers_option
@click.option(
    "--save-minutes",
    type=click.FloatRange(0),
    default=10,
    show_default=True,
    help="Minutes between checkpoints within an epoch.",
)
@click.option(
    "--log",
    "loggers",
    metavar="LOGGER",
    multiple=True,
    shell_complete=complete_installed("loggers"),
    help="Also send the metrics to this logger; may be repeated. Installed: "
    f"{', '.join(installed('loggers'))}.",
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

    With --task detection, a Faster R-CNN is trained on a folder in COCO's format; its recipes are
    detection_quick and detection, the released one.

    With --seeds, RUN contains a run for each seed, and a report with the mean and the deviation
    of their results.

    Ctrl-C saves a checkpoint and stops with exit code 130; --resume RUN then continues as if
    nothing had happened. Under torchrun the processes share each batch.
    """
    task = flags.pop("task")
    if task == "detection" or (resume is not None and _is_detection(resume)):
        return _detector(
            context,
            file=file,
            settings=settings,
            out=out,
            resume=resume,
            save_minutes=save_minutes,
            quiet=quiet,
            as_json=as_json,
            **flags,
        )
    if resume is not None:
        _refuse_with_resume(context, file, settings)
    elif file is None or out is None:
        raise click.UsageError("FILE and --out RUN start a run; --resume RUN continues one.")
    if no_tensorboard and "tensorboard" in flags["loggers"]:
        raise click.UsageError("--log tensorboard and --no-tensorboard contradict each other.")
    if isinstance(flags["seeds"], tuple) and is_given(context, "seed"):
        raise click.UsageError("--seeds says which seeds there are; leave out --seed.")
    if resume is None and flags["weights"] is None:
        for name in ("layout", "drop_background", "reset_classifier"):
            if is_given(context, name):
                raise click.UsageError(f"--{name.replace('_', '-')} requires --weights.")
    # Imported here because --help should not wait for it.
    from nasdsl.train.execution import ensure_installed, is_first_process

    ensure_installed()
    path, plans = (
        _new_runs(file, settings, out, quiet, flags) if resume is None else _resumed_runs(resume)
    )
    from nasdsl.cli.train_progress import close, watchers_for_terminal
    from nasdsl.train.loop import Interrupted
    from nasdsl.train.run import leave_processes, train_run
    from nasdsl.train.run_folder import has_seeds
    from nasdsl.train.seeds import train_seeds

    speaks = is_first_process()
    how: dict[str, Any] = {"save_seconds": 60 * save_minutes, "tensorboard": not no_tensorboard}
    shown: list[Watcher] = []

    def on_run(place: int, count: int, seed: int) -> "list[Watcher]":
        close(shown)
        if speaks and not quiet:
            output.note(f"{place}/{count}  seed {seed}")
        shown[:] = watchers_for_terminal(quiet or not speaks)
        return shown

    try:
        if has_seeds(path):
            ended = train_seeds(path, plans, on_run=on_run, **how)
        else:
            ((folder, plan),) = plans
            shown[:] = watchers_for_terminal(quiet or not speaks)
            fitted = train_run(folder, plan, watchers=shown, **how)
    except Interrupted as interrupted:
        close(shown)
        if speaks:
            output.note(f"interrupted after step {interrupted.step}; everything is saved")
            output.note(f"to continue, run `nasdsl train --resume {path}`")
        return INTERRUPTED
    finally:
        close(shown)
        leave_processes()
    if not speaks:
        return OK
    if has_seeds(path):
        return _print_seeds(path, plans[0][1].job, ended, as_json)
    # That a logger failed was said at once.
    output.warn(found for found in fitted.findings if found.code != "NAS851")
    _print(folder, plan.job, fitted, as_json)
    return OK


def _is_detection(path: str) -> bool:
    """Whether a run trains a detector; looked at before anything heavy is imported."""
    from nasdsl.detection.run_kind import is_detection_run

    return is_detection_run(path)


def _detector(
    context: click.Context,
    /,
    file: str | None,
    settings: Settings,
    resume: str | None,
    **flags: Any,
) -> int:
    """The same for a detector."""
    from nasdsl.cli import train_detection

    options = {each.name: each.opts for each in context.command.params}
    for name in train_detection.NOT_FOR_DETECTORS:
        if is_given(context, name):
            raise click.UsageError(f"{options[name][0]} does not apply to --task detection.")
    if resume is not None:
        _refuse_with_resume(context, file, settings)
    elif file is None or flags["out"] is None:
        raise click.UsageError("FILE and --out RUN start a run; --resume RUN continues one.")
    elif not is_given(context, "data"):
        raise click.UsageError("--task detection requires --data coco:DIR.")
    if not is_given(context, "recipe"):
        flags["recipe"] = None
    from nasdsl.train.execution import ensure_installed

    ensure_installed()
    return train_detection.train(file, settings, resume=resume, **flags)


def _refuse_with_resume(context: click.Context, file: str | None, settings: Settings) -> None:
    """A run continues as it began: what would change it is refused."""
    options = {each.name: each.opts for each in context.command.params}
    given = [options[name][0] for name in _RUN_FLAGS if is_given(context, name)]
    given += [options[name][0] for name in settings.given()]
    if file is not None:
        given.append("FILE")
    if given:
        raise click.UsageError(
            f"--resume continues the run as it began, and {given[0]} would change it."
        )


def _new_runs(
    file: str | None, settings: Settings, out: str | None, quiet: bool, flags: dict[str, Any]
) -> "tuple[Path, list[tuple[RunFolder, RunPlan]]]":
    """A new run or several: the folder, and the folder and plan of each."""
    assert file is not None
    assert out is not None
    from nasdsl.train.execution import Execution, is_first_process
    from nasdsl.train.planning import begin_run, plan_run
    from nasdsl.train.run_folder import RunFolder
    from nasdsl.train.starting import StartingWeights

    if is_first_process():
        RunFolder(out).require_new()
    names = ("weights", "layout", "drop_background", "reset_classifier")
    weights = StartingWeights(*(flags[name] for name in names)) if flags["weights"] else None
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
        weights=weights,
        download=flags["download"],
        loggers=flags["loggers"],
    )
    if is_first_process():
        if is_model(file) and weights is None:
            output.note(
                f"note: the weights in {file!r} are not used; training starts from new ones; "
                f"`--weights {file}` starts from them"
            )
        output.warn(plan.warnings)
        for remark in plan.remarks:
            output.note(f"note: {remark}")
        if not flags["no_scan"]:
            from nasdsl.cli.train_progress import scan

            scan(plan.splits, quiet)
    words = ["nasdsl", *sys.argv[1:]]
    seeds = flags["seeds"]
    if seeds is None:
        return Path(out), [(begin_run(out, plan, words), plan)]
    from nasdsl.train.seeds import begin_seeds

    if isinstance(seeds, int):
        seeds = range(flags["seed"], flags["seed"] + seeds)
    return Path(out), begin_seeds(out, plan, seeds, words)


def _resumed_runs(path: str) -> "tuple[Path, list[tuple[RunFolder, RunPlan]]]":
    """The run in a folder or the several there: the folder, and the folder and plan of each."""
    from nasdsl.train.planning import recorded_plan
    from nasdsl.train.run_folder import RunFolder, has_seeds

    if has_seeds(path):
        from nasdsl.train.seeds import recorded_seeds

        return Path(path), recorded_seeds(path)
    folder = RunFolder(path)
    return Path(path), [(folder, recorded_plan(folder))]


def _print_seeds(path: Path, job: "Job", ended: "list[SeedRun]", as_json: bool) -> int:
    from nasdsl.train.run_folder import REPORT
    from nasdsl.train.seeds import means_of, members_of

    means = means_of(ended)
    output.report([run.failure for run in ended if run.failure is not None])
    code = FINDINGS if any(run.failure for run in ended) else OK
    if as_json:
        output.data_object(
            run=os.fspath(path),
            data=job.data,
            recipe=asdict(job.recipe),
            seeds=members_of(ended, path),
            mean={part: found._asdict() for part, found in means.items()},
        )
        return code
    for part, found in means.items():
        output.data(f"{part.replace('_', ' '):<9} {found}\n")
    output.data(f"report    {visible(os.fspath(path / REPORT))}\n")
    return code


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
    for what, name in (("model", MODEL), ("report", REPORT)):
        output.data(f"{what:<9} {visible(os.fspath(folder / name))}\n")
