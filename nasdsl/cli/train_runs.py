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
from nasdsl.train.execution import Execution, is_first_process, leave_processes
from nasdsl.train.planning import RunPlan
from nasdsl.train.results import Interrupted
from nasdsl.train.run_folder import MODEL, REPORT, Job, RunFolder
from nasdsl.train.runs import train_new, train_recorded
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
    path = Path(resume or out or "")
    speaks = is_first_process()
    shown: list[Watcher] = []

    def on_plan(plan: RunPlan) -> None:
        if speaks:
            _tell(plan, file, quiet, flags)

    def on_run(place: int, count: int, seed: int) -> "list[Watcher]":
        close(shown)
        if speaks and not quiet and count > 1:
            output.note(f"{place}/{count}  seed {seed}")
        shown[:] = watchers_for_terminal(quiet or not speaks)
        return shown

    how: dict[str, Any] = {
        "on_run": on_run,
        "save_seconds": 60 * save_minutes,
        "tensorboard": tensorboard,
    }
    try:
        if resume is not None:
            trained = train_recorded(path, **how)
        else:
            assert file is not None
            request = _request(settings, flags)
            cells = reading.cells(file, flags["ops"])
            trained = train_new(path, cells, on_plan=on_plan, **request, **how)
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
    job, ended = trained
    if isinstance(ended, list):
        return _print_seeds(path, job, ended, as_json)
    # That a logger failed was said at once.
    output.warn(found for found in ended.findings if found.code != "NAS851")
    _print(RunFolder(path), job, ended, as_json)
    return OK


def _request(settings: Settings, flags: dict[str, Any]) -> dict[str, Any]:
    """What the flags ask of a new training."""
    names = ("weights", "layout", "drop_background", "reset_classifier")
    seeds = flags["seeds"]
    return {
        "data": flags["data"],
        "recipe": flags["recipe"],
        "changes": changes_of(flags),
        "settings": settings,
        "seed": flags["seed"],
        "execution": Execution(
            flags["device"],
            flags["accumulation"],
            flags["compiled"],
            flags["channels_last"],
            flags["workers"],
            flags["cuda_graph"],
        ),
        "weights": StartingWeights(*(flags[name] for name in names)) if flags["weights"] else None,
        "download": flags["download"],
        "loggers": flags["loggers"],
        "seeds": None if seeds is None else seeds_from(seeds, flags["seed"]),
        "command": ["nasdsl", *sys.argv[1:]],
    }


def _tell(plan: RunPlan, file: str | None, quiet: bool, flags: dict[str, Any]) -> None:
    """Say what is worth knowing about a plan, and look at its images."""
    if file is not None and is_model(file) and plan.job.weights is None:
        output.note(
            f"note: the weights in {file!r} are not used; training starts from new ones; "
            f"`--weights {file}` starts from them"
        )
    output.warn(plan.warnings)
    for remark in plan.remarks:
        output.note(f"note: {remark}")
    if not flags["no_scan"]:
        scan(plan.splits, quiet)


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
