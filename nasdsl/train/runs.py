"""A whole training: from what was asked for, or what a folder records, to its last file.

Purpose: one call for Python and the command line. A run, or one for each of several seeds, is
planned, begun and trained; whoever wants to see a plan before anything is written is told of it.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.network.source import SourceCells
from nasdsl.train.execution import is_first_process
from nasdsl.train.planning import RunPlan, begin_run, plan_run, recorded_plan
from nasdsl.train.run_folder import Job, RunFolder, has_seeds
from nasdsl.values import Seconds, require_types, typed

if TYPE_CHECKING:
    from nasdsl.train.results import Fitted
    from nasdsl.train.seeds import OnRun, SeedRun


class TrainingOutcome(NamedTuple):
    """How a training ended.

    Attributes:
        job: what it was; of several seeds, that of the first.
        ended: its result, or how the run of each seed ended.
    """

    job: Job
    ended: "Fitted | list[SeedRun]"


@typed
def train_new(
    path: str | os.PathLike[str],
    source: NameOrPath | Genotype | SourceCells,
    *,
    seeds: Sequence[int] | None = None,
    command: Sequence[str] = (),
    on_plan: Callable[[RunPlan], None] | None = None,
    on_run: Callable[[int, int, int], Sequence[Any]] | None = None,
    save_seconds: Seconds = 600,
    tensorboard: bool = True,
    **request: Any,
) -> TrainingOutcome:
    """Plan a training, begin its run and train it.

    Args:
        path: a new or empty folder.
        source: the cells, as `plan_run` takes them.
        seeds: those of several runs, all different; None for one run.
        command: how it was asked for, for the run's report.
        on_plan: is told what will be done. What it raises ends the call, and nothing is written.
        on_run: as for `train_seeds`; one run has place 1 of 1.
        save_seconds: as for `fit`.
        tensorboard: as for `train_run`.
        **request: what else `plan_run` takes.

    Raises:
        CellError: as `plan_run`, `begin_run` and `train_run` do.
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    require_types(command=(command, Sequence))
    if is_first_process():
        RunFolder(path).require_new()
    plan = plan_run(source, **request)
    if on_plan is not None:
        on_plan(plan)
    if seeds is None:
        run = begin_run(path, plan, command)
        return _one(run, plan, on_run, save_seconds, tensorboard)
    # Imported here because it brings PyTorch, and what is wrong with a plan should not wait for it.
    from nasdsl.train.seeds import begin_seeds

    return _several(
        path, begin_seeds(path, plan, seeds, command), on_run, save_seconds, tensorboard
    )


@typed
def train_recorded(
    path: str | os.PathLike[str],
    *,
    on_run: Callable[[int, int, int], Sequence[Any]] | None = None,
    save_seconds: Seconds = 600,
    tensorboard: bool = True,
) -> TrainingOutcome:
    """Continue the run in a folder, or those of several seeds, from their newest checkpoints.

    Args:
        path: the folder.
        on_run: as for `train_new`.
        save_seconds: as for `fit`.
        tensorboard: as for `train_run`.

    Raises:
        CellError: as `recorded_plan` and `train_run` do.
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    if not has_seeds(path):
        folder = RunFolder(path)
        return _one(folder, recorded_plan(folder), on_run, save_seconds, tensorboard)
    from nasdsl.train.seeds import recorded_seeds

    return _several(path, recorded_seeds(path), on_run, save_seconds, tensorboard)


def _one(
    folder: RunFolder, plan: RunPlan, on_run: "OnRun | None", save_seconds: float, tensorboard: bool
) -> TrainingOutcome:
    from nasdsl.train.run import train_run

    watchers = on_run(1, 1, plan.job.seed) if on_run else ()
    fitted = train_run(
        folder, plan, watchers=watchers, save_seconds=save_seconds, tensorboard=tensorboard
    )
    return TrainingOutcome(plan.job, fitted)


def _several(
    path: str | os.PathLike[str],
    runs: list[tuple[RunFolder, RunPlan]],
    on_run: "OnRun | None",
    save_seconds: float,
    tensorboard: bool,
) -> TrainingOutcome:
    from nasdsl.train.seeds import train_seeds

    ended = train_seeds(
        path, runs, on_run=on_run, save_seconds=save_seconds, tensorboard=tensorboard
    )
    return TrainingOutcome(runs[0][1].job, ended)
