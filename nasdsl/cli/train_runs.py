"""`nasdsl train` of a classifier: a new run or a recorded one, of one seed or several.

Purpose: flags to what `nasdsl.train` takes, progress, and the result.
Non-goals: which flags go together (`nasdsl.cli.train`).

PyTorch is imported when a run begins, because a wrong flag should not wait for it.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.options import changes_of
from nasdsl.cli.output import INTERRUPTED, OK
from nasdsl.cli.seeds import print_seeds, seeds_from
from nasdsl.cli.train_progress import close, scan, watchers_for_terminal
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.parser.read import is_model
from nasdsl.report.visible import visible
from nasdsl.train.execution import Execution, is_first_process
from nasdsl.train.planning import RunPlan, begin_run, plan_run, recorded_plan
from nasdsl.train.run_folder import MODEL, REPORT, Job, RunFolder, has_seeds
from nasdsl.train.starting import StartingWeights

if TYPE_CHECKING:
    from nasdsl.train.results import Fitted
    from nasdsl.train.seeds import SeedRun
    from nasdsl.train.watchers import Watcher


def train(
    file: str | None,
    settings: Settings,
    out: str | None,
    resume: str | None,
    *,
    save_minutes: float,
    tensorboard: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Begin or continue the training of a classifier; the exit code."""
    path, plans = (
        _new_runs(file, settings, out, quiet, flags) if resume is None else _resumed_runs(resume)
    )
    from nasdsl.train.loop import Interrupted
    from nasdsl.train.run import leave_processes, train_run
    from nasdsl.train.seeds import train_seeds

    speaks = is_first_process()
    how: dict[str, Any] = {"save_seconds": 60 * save_minutes, "tensorboard": tensorboard}
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


def _new_runs(
    file: str | None, settings: Settings, out: str | None, quiet: bool, flags: dict[str, Any]
) -> tuple[Path, list[tuple[RunFolder, RunPlan]]]:
    """A new run or several: the folder, and the folder and plan of each."""
    assert file is not None
    assert out is not None
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
            scan(plan.splits, quiet)
    words = ["nasdsl", *sys.argv[1:]]
    seeds = flags["seeds"]
    if seeds is None:
        return Path(out), [(begin_run(out, plan, words), plan)]
    from nasdsl.train.seeds import begin_seeds

    return Path(out), begin_seeds(out, plan, seeds_from(seeds, flags["seed"]), words)


def _resumed_runs(path: str) -> tuple[Path, list[tuple[RunFolder, RunPlan]]]:
    """The run in a folder or the several there: the folder, and the folder and plan of each."""
    if has_seeds(path):
        from nasdsl.train.seeds import recorded_seeds

        return Path(path), recorded_seeds(path)
    folder = RunFolder(path)
    return Path(path), [(folder, recorded_plan(folder))]


def _print_seeds(path: Path, job: Job, ended: "list[SeedRun]", as_json: bool) -> int:
    from nasdsl.train.seeds import means_of, members_of

    members = None
    if as_json:
        members = {
            "data": job.data,
            "recipe": asdict(job.recipe),
            "seeds": members_of(ended, path),
        }
    labels = {"held_out": "held out", "test": "test"}
    return print_seeds(path, [run.failure for run in ended], means_of(ended), labels, members)


def _print(folder: RunFolder, job: Job, fitted: "Fitted", as_json: bool) -> None:
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
