"""Finishing a search: its best networks trained to convergence, and ranked anew.

Purpose: a search of its own, which proposes the best networks of another one and evaluates them
by training them: through the same engines and workers, with a store in which every result and
every failure is kept. So a finish that was interrupted continues where it was.
Non-goals: training (`nasdsl.search.evaluators.finishing`), searching (`nasdsl.search.loop`).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl.errors import CellError, Diagnostic, cell_error
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.loading import cells_of_text, loads_space
from nasdsl.search.checking import best_trials, checked_network
from nasdsl.search.engines.choosing import engine_for
from nasdsl.search.evaluators.finishing import (
    RUNS,
    Finish,
    data_of,
    ensure_same_finish,
    ensure_same_job,
    read_finish,
    warnings_of,
)
from nasdsl.search.evaluators.places import spec_at
from nasdsl.search.loop import OnEvent, run
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.search.results import trial_text, write_ranking
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Reader, Trial
from nasdsl.train.execution import Execution
from nasdsl.train.planning import RunPlan
from nasdsl.train.recipe import Recipe
from nasdsl.train.recipe_file import recipe_at, with_changes
from nasdsl.train.run_folder import RunFolder
from nasdsl.values import Count, Seed, typed

if TYPE_CHECKING:
    from nasdsl.train.data import Splits

#: The store of a finish, and how its networks are trained.
STORE, PLAN = "finish.db", "finish.json"
#: Seconds. What an interruption costs is a training since its checkpoint, so patience is cheap.
_HEARTBEAT = 60.0
#: Everything is proposed at once: nothing is learned from results.
_WINDOW = 1_000_000

#: Looks at the data once.
OnData = Callable[["Splits"], None]
#: Is told of the search that a finish is, before it begins.
OnPlan = Callable[[SearchSettings], None]


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


@dataclass(frozen=True, slots=True)
class Engines:
    """Where networks are trained, and how many at a time; see `SearchSettings`."""

    jobs: int = 1
    engine: str = "local"
    address: str = "auto"
    gpus: int = 0
    per_gpu: int = 1
    threads: int | None = None


@typed
def finish(
    store: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    count: Count = 10,
    data: str | None = None,
    recipe: str = "cifar",
    changes: Sequence[str] = (),
    settings: Settings = NO_SETTINGS,
    seed: Seed = 0,
    execution: Execution | None = None,
    engines: Engines | None = None,
    download: bool = False,
    retry_failed: bool = False,
    command: Sequence[str] = (),
    on_data: OnData | None = None,
    on_plan: OnPlan | None = None,
    on_event: OnEvent | None = None,
) -> list[Winner]:
    """Train the best networks of a search; the winners, best first, with their files written.

    Each network has a run in `out/runs`, by its hash, and is trained by a process of its own;
    the winners are `out/001.cell` and so on, with both scores in comments. A network whose
    training fails is no winner; `failures(out)` has the reasons.

    Args:
        store: the search's store; it is only read.
        out: the folder of runs and winners; one that is there is continued.
        count: how many networks to train.
        data: what to train on, as `nasdsl.train.datasets` takes it; None for what the search
            trained on, or the digits.
        recipe: a shipped recipe's name, or the path of a `.toml` file.
        changes: values of the recipe as `NAME=VALUE`.
        settings: of the networks, such as N and filters.
        seed: of every training.
        execution: the device and what else does not change the results.
        engines: where networks are trained, and how many at a time.
        download: fetch the data where they are missing.
        retry_failed: train again the networks whose training failed before.
        command: how it was asked for, for the runs' reports.
        on_data: is given the data before the first network is trained; may raise.
        on_plan: is told what is about to be done.
        on_event: is told of every change, as that of `nasdsl.search.run`.

    Raises:
        CellError: NAS867, no network has a reward, or none could be trained; NAS841, a run of
            `out` is of another network, data, recipe or seed; NAS865, a trial is not what the
            store says; what the store, the recipe, the data or a network are refused for.
        KeyboardInterrupt: stopped by hand; what was trained is kept.
    """
    best = best_trials(store, count)
    if not best:
        raise cell_error("NAS867", f"no network of {os.fspath(store)!r} has a reward yet")
    with Reader(Path(store)) as opened:
        about = opened.settings()
    wanted = Finish(
        data or data_of(spec_at(str(about.get("evaluator")), about.get("folder"), Path(store))),
        recipe_at(recipe),
        tuple(changes),
        settings,
        seed,
        execution or Execution(),
        tuple(command),
    )
    folder = Path(out)
    trial, plan = _first_plan(best, wanted, download)
    if (folder / PLAN).exists():
        ensure_same_finish(folder, read_finish(folder / PLAN), wanted)
    started = RunFolder(folder / RUNS / trial.hash)
    if started.exists:
        ensure_same_job(started.path, started.job(), plan.job)
    if on_data is not None:
        on_data(plan.splits)
    wanted.write(folder / PLAN)
    search = _settings(folder, about.get("space"), best, engines or Engines())
    if on_plan is not None:
        on_plan(search)
    trainer = replace(search, evaluator=f"finish:{folder / PLAN}")
    run(
        search,
        on_event,
        resume=True,
        retry_failed=retry_failed,
        searcher=_ListedTexts([trial.text for trial in best]),
        engine=engine_for(trainer),
    )
    winners = _winners(folder, best, with_changes(wanted.recipe, changes))
    texts = [
        f"# accuracy {winner.accuracy:.6g} on {winner.images} images after recipe {recipe}"
        f" on {wanted.data}\n{trial_text(winner.trial, store)}"
        for winner in winners
    ]
    write_ranking(texts, folder)
    return winners


def failures(out: str | os.PathLike[str]) -> dict[str, str]:
    """Why trainings of a finish failed, by the hash of the network."""
    with Reader(Path(out) / STORE) as opened:
        return {trial.hash: trial.reason for trial in opened.trials() if trial.reason}


def _first_plan(best: Sequence[Trial], wanted: Finish, download: bool) -> tuple[Trial, RunPlan]:
    """The training of the first network that can be trained.

    Widths may fit one network and not another, so only what no network can be is an error.
    """
    errors: list[CellError] = []
    for trial in best:
        try:
            return trial, wanted.plan(cells_of_text(trial.text), download=download)
        except CellError as error:
            errors.append(error)
    raise errors[0]


def _settings(
    folder: Path, space: object, best: Sequence[Trial], engines: Engines
) -> SearchSettings:
    path = folder / STORE
    # By their texts, each of which is proposed once: two may be of one network.
    known = {trial.text for trial in best}
    if path.exists():
        with Reader(path) as opened:
            known |= {trial.text for trial in opened.trials()}
    workers = engines.gpus * engines.per_gpu or engines.jobs
    return SearchSettings(
        loads_space(str(space)),
        path,
        algorithm="best networks",
        evaluator="finish",
        trials=len(known),
        workers=engines.jobs,
        block=1,
        window=_WINDOW,
        heartbeat=_HEARTBEAT,
        # A fresh process for each network: what one leaves behind is not the next one's.
        recycle=1,
        engine=engines.engine,
        address=engines.address,
        gpus=engines.gpus,
        per_gpu=engines.per_gpu,
        threads=engines.threads or max(1, (os.cpu_count() or 1) // workers),
        patience=len(known) + 1,
    )


def _winners(folder: Path, best: Sequence[Trial], recipe: Recipe) -> list[Winner]:
    images = "held-out" if recipe.held_out else "test"
    path = folder / STORE
    with Reader(path) as opened:
        trained = {
            trial.hash: checked_network(trial, path).reward
            for trial in opened.trials()
            if trial.reward is not None
        }
    found = [
        Winner(trial, reward, images, warnings_of(folder / RUNS / trial.hash))
        for trial in best
        if (reward := trained.get(trial.hash)) is not None
    ]
    return sorted(found, key=lambda winner: -winner.accuracy)


class _ListedTexts:
    """A searcher that proposes these texts, each once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self.proposed: list[str] = []

    def propose(self, n: int) -> list[str]:
        """The next of those that were not proposed before."""
        found = [text for text in self.texts if text not in self.proposed][:n]
        self.proposed += found
        return found

    def observe(self, results: Sequence[Result]) -> None:
        """Nothing to learn."""

    def state_dict(self) -> SearcherState:
        """What has been proposed."""
        return {"proposed": self.proposed}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue after that."""
        self.proposed = list(state["proposed"])
