"""Finishing a search: its best networks trained to convergence, and ranked anew.

Purpose: a run for each of the best networks, then the winners in their order. What is trained is
kept, so a finish that was interrupted continues where it was.
Non-goals: training (`nasdsl.train`), searching (`nasdsl.search.loop`).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nasdsl.errors import Diagnostic, cell_error
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.loading import loads
from nasdsl.search.checking import best_trials
from nasdsl.search.results import trial_text, write_ranking
from nasdsl.search.store import Trial
from nasdsl.train.data import Splits
from nasdsl.train.execution import Execution
from nasdsl.train.planning import RunPlan, begin_run, plan_run
from nasdsl.train.results import Fitted
from nasdsl.train.run import train_run
from nasdsl.train.run_folder import Job, RunFolder
from nasdsl.train.watchers import Watcher

#: Looks at the data once.
OnData = Callable[[Splits], None]
#: Is told of each network before it is trained (its place, how many there are, its trial), and
#: gives the watchers of its training.
OnNetwork = Callable[[int, int, Trial], Sequence[Watcher]]


@dataclass(frozen=True, slots=True)
class Winner:
    """A network that was trained to convergence.

    Attributes:
        trial: what the search knows of it.
        accuracy: what it is ranked by.
        images: of which images that is: `held-out`, or `test` where none are held out.
        findings: warnings about its model.
    """

    trial: Trial
    accuracy: float
    images: str
    findings: tuple[Diagnostic, ...] = ()


def finish(
    store: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    count: int = 10,
    data: str = "digits",
    recipe: str = "cifar",
    changes: Sequence[str] = (),
    settings: Settings = NO_SETTINGS,
    seed: int = 0,
    execution: Execution | None = None,
    download: bool = False,
    command: Sequence[str] = (),
    on_data: OnData | None = None,
    on_network: OnNetwork | None = None,
) -> list[Winner]:
    """Train the best networks of a search; the winners, best first, with their files written.

    Each network has a run in `out/runs`, by its hash; the winners are `out/001.cell` and so on,
    with both scores in comments.

    Args:
        store: the search's store; it is only read.
        out: the folder of runs and winners; one that is there is continued.
        count: how many networks to train.
        data: what to train on, as `nasdsl.train.datasets` takes it.
        recipe: a shipped recipe's name, or the path of a `.toml` file.
        changes: values of the recipe as `NAME=VALUE`.
        settings: of the networks, such as N and filters.
        seed: of every training.
        execution: the device and what else does not change the results.
        download: fetch the data where they are missing.
        command: how it was asked for, for the runs' reports.
        on_data: is given the data before the first network is trained; may raise.
        on_network: is told of each network.

    Raises:
        CellError: NAS867, no network has a reward; NAS841, a run of `out` is of another
            network, data, recipe or seed; NAS865, a trial is not what the store says; what the
            store, the recipe, the data or a network
            are refused for.
        nasdsl.train.Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    best = best_trials(store, count)
    if not best:
        raise cell_error("NAS867", f"no network of {os.fspath(store)!r} has a reward yet")
    folder = Path(out)
    winners = []
    for place, trial in enumerate(best, 1):
        watchers = on_network(place, len(best), trial) if on_network else ()
        plan = plan_run(
            loads(trial.text),
            data=data,
            recipe=recipe,
            changes=changes,
            settings=settings,
            seed=seed,
            execution=execution,
            download=download,
        )
        if place == 1 and on_data is not None:
            on_data(plan.splits)
        path = folder / "runs" / trial.hash
        fitted = _trained(path, plan, command, watchers)
        winners.append(Winner(trial, *_accuracy(fitted), fitted.findings))
    winners.sort(key=lambda winner: -winner.accuracy)
    texts = [
        f"# accuracy {winner.accuracy:.6g} on {winner.images} images after recipe {recipe}"
        f" on {data}\n{trial_text(winner.trial)}"
        for winner in winners
    ]
    write_ranking(texts, folder)
    return winners


def _trained(
    path: Path, plan: RunPlan, command: Sequence[str], watchers: Sequence[Watcher]
) -> Fitted:
    """What a training reached, here or before.

    Raises:
        CellError: NAS841, the folder has a run of this network that does something else.
    """
    folder = RunFolder(path)
    if folder.exists:
        job = folder.job()
        _ensure_same(path, job, plan.job)
        plan = replace(plan, job=job)
    else:
        begin_run(path, plan, command)
    return train_run(folder, plan, watchers=watchers)


def _ensure_same(path: Path, job: Job, wanted: Job) -> None:
    """Accuracies of one recipe must not stand as those of another; the device may differ."""
    others = [
        name
        for name in ("network", "data", "recipe", "seed")
        if getattr(job, name) != getattr(wanted, name)
    ]
    if others:
        raise cell_error(
            "NAS841",
            f"the run in {str(path)!r} is of another {' and another '.join(others)}",
            "use another `--out` to begin anew, or the same flags as before to continue",
        )


def _accuracy(fitted: Fitted) -> tuple[float, str]:
    """By what winners are ranked: held-out images, or test images where none are held out."""
    if fitted.held_out is not None:
        return fitted.held_out.accuracy, "held-out"
    assert fitted.test is not None, "every source of data has images that are not trained on"
    return fitted.test.accuracy, "test"
