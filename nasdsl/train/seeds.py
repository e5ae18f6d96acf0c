"""Several seeds of one training: a run for each, and the mean of their results.

RUN/
seeds.json           the seeds, in order
seed-0/ ...          the run of each
report.md            every result, their mean and deviation; curves.svg has all curves

The accuracies of NASNet on CIFAR-10 are means of five trainings (Zoph et al. 2018, Table 1).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nasdsl.errors import CellError, Diagnostic, cell_error
from nasdsl.report.visible import visible
from nasdsl.train.execution import is_first_process
from nasdsl.train.planning import RunPlan, begin_run, recorded_plan
from nasdsl.train.report import write_curves
from nasdsl.train.results import Evaluation, Fitted, Interrupted, Mean, mean_of
from nasdsl.train.run import interruption, train_run
from nasdsl.train.run_folder import (
    CURVES,
    REPORT,
    RunFolder,
    seed_folders,
    write_seeds,
    write_text,
)
from nasdsl.train.seeds_report import mean_cell, means_note, run_cell
from nasdsl.train.watchers import Watcher
from nasdsl.values import Seconds, require_types, shown, typed

#: Is told of each run before it is trained (its place from 1, how many there are, its seed), and
#: gives the watchers of its training.
OnRun = Callable[[int, int, int], Sequence[Watcher]]


class SeedRun(NamedTuple):
    """The run of a seed, and how it ended: one of the two is None."""

    seed: int
    fitted: Fitted | None
    failure: Diagnostic | None


@typed
def begin_seeds(
    path: str | os.PathLike[str], plan: RunPlan, seeds: Sequence[int], command: Sequence[str] = ()
) -> list[tuple[RunFolder, RunPlan]]:
    """The folders and plans of the runs, one a seed, written by the first of the processes.

    Args:
        path: a new or empty folder.
        plan: what each run does, but for its seed.
        seeds: all different.
        command: how it was asked for, for the reports.

    Raises:
        CellError: NAS008, a seed is none or is given twice; NAS841, something is there; NAS006, it
            cannot be written.
    """
    require_types(seeds=(seeds, Sequence))
    if len(set(seeds)) < len(seeds):
        raise cell_error("NAS008", f"seeds are all different, not {shown(seeds)}")
    plans = [replace(plan, job=replace(plan.job, seed=seed)) for seed in seeds]
    if is_first_process():
        RunFolder(path).require_new()
    runs = [
        (begin_run(Path(path) / f"seed-{each.job.seed}", each, command), each) for each in plans
    ]
    if is_first_process():
        write_seeds(path, seeds)
    return runs


@typed
def recorded_seeds(path: str | os.PathLike[str]) -> list[tuple[RunFolder, RunPlan]]:
    """The runs in a folder of several seeds, and what each does.

    Raises:
        CellError: NAS843, files are damaged; what the data or the network are refused for.
    """
    folders = seed_folders(path)
    first = recorded_plan(folders[0])
    runs = [(folders[0], first)]
    for each in folders[1:]:
        job = each.job()
        # The data are loaded once, as long as nobody has edited one of the runs.
        is_like_first = replace(job, seed=first.job.seed) == first.job
        runs.append((each, replace(first, job=job) if is_like_first else recorded_plan(each)))
    return runs


@typed
def train_seeds(
    path: str | os.PathLike[str],
    runs: Sequence[tuple[RunFolder, RunPlan]],
    *,
    on_run: OnRun | None = None,
    save_seconds: Seconds = 600,
    tensorboard: bool = True,
) -> list[SeedRun]:
    """Train every run, each from its newest checkpoint, and write the report of all.

    A training that fails is in the report, and does not keep the others from theirs.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    require_types(runs=(runs, Sequence))
    ended: list[SeedRun] = []
    steps = 0
    with interruption() as stop:
        for place, (folder, plan) in enumerate(runs, 1):
            if stop():
                # It came when nothing was left of the run before but its end.
                raise Interrupted(None, steps)
            seed = plan.job.seed
            watchers = on_run(place, len(runs), seed) if on_run else ()
            try:
                fitted = train_run(
                    folder,
                    plan,
                    watchers=watchers,
                    save_seconds=save_seconds,
                    tensorboard=tensorboard,
                )
            except CellError as error:
                ended.append(SeedRun(seed, None, error.diagnostics[0]))
            else:
                steps = fitted.steps
                ended.append(SeedRun(seed, fitted, None))
    if is_first_process():
        _write_report(Path(path), runs[0][1], ended)
    return ended


def means_of(ended: Sequence[SeedRun]) -> dict[str, Mean]:
    """The mean accuracy of `held_out` and of `test`, where there is one."""
    found = {}
    for part in ("held_out", "test"):
        values = [each.accuracy for each in _evaluations(ended, part) if each is not None]
        if values:
            found[part] = mean_of(values)
    return found


def _evaluations(ended: Sequence[SeedRun], part: str) -> list[Evaluation | None]:
    return [None if run.fitted is None else getattr(run.fitted, part) for run in ended]


def _write_report(path: Path, plan: RunPlan, ended: Sequence[SeedRun]) -> None:
    has_curves = write_curves(path, [run.fitted.history for run in ended if run.fitted is not None])
    write_text(path / REPORT, seeds_report(plan, ended, has_curves=has_curves))


def seeds_report(plan: RunPlan, ended: Sequence[SeedRun], has_curves: bool) -> str:
    """The text, in Markdown."""
    job = plan.job
    rows = ["| seed | held out | test | run |", "|---:|---:|---:|---|"]
    for run, held_out, test in zip(
        ended, _evaluations(ended, "held_out"), _evaluations(ended, "test"), strict=True
    ):
        where = run_cell(run.seed, run.failure)
        rows.append(f"| {run.seed} | {_percent(held_out)} | {_percent(test)} | {where} |")
    means = means_of(ended)
    held_out_mean, test_mean = (mean_cell(means.get(part)) for part in ("held_out", "test"))
    rows.append(f"| mean | {held_out_mean} | {test_mean} | |")
    parts = [
        f"# {plan.graph.name} on {visible(job.data)}, recipe {job.recipe.name}, {len(ended)} seeds",
        "\n".join(rows),
        means_note([run.failure for run in ended]),
        f"![Loss and accuracy by epoch]({CURVES})" if has_curves else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _percent(found: Evaluation | None) -> str:
    return "" if found is None else f"{found.accuracy:.2%}"


def members_of(ended: Sequence[SeedRun], path: Path) -> list[dict[str, Any]]:
    """The runs as members of a JSON object."""
    return [
        {
            "seed": run.seed,
            "run": os.fspath(path / f"seed-{run.seed}"),
            "held_out": None if held_out is None else held_out.accuracy,
            "test": None if test is None else test.accuracy,
            "failure": None if run.failure is None else run.failure.code,
        }
        for run, held_out, test in zip(
            ended, _evaluations(ended, "held_out"), _evaluations(ended, "test"), strict=True
        )
    ]
