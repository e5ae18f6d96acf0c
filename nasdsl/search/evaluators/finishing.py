"""`finish:FILE`: the accuracy after a training to convergence, in a run that is kept.

FILE is written by `nasdsl.search.finish` and says how networks are trained. Each has a run in
the folder `runs` beside it, by its hash. A run that is there is continued, so a network whose
worker was lost loses what came after its last checkpoint.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from nasdsl.atomic_write import write_errors
from nasdsl.canonical import canonical_hash
from nasdsl.documents import document_text, json_value
from nasdsl.errors import Diagnostic, cell_error
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.evaluators.places import data_in
from nasdsl.search.evaluators.spec import no_options
from nasdsl.search.protocol import Report, Score
from nasdsl.train.execution import Execution, ensure_installed
from nasdsl.train.planning import RunPlan, begin_run, is_same_data, plan_run
from nasdsl.train.recipe import Recipe
from nasdsl.train.results import Epoch
from nasdsl.train.run_folder import Job, RunFolder, write_text
from nasdsl.train.watchers import Watcher

RUNS, WARNINGS = "runs", "warnings.json"


@dataclass(frozen=True, slots=True)
class Finish:
    """How the networks of a search are trained to convergence; see `plan_run`.

    Attributes:
        command: how it was asked for, for the runs' reports.
    """

    data: str
    recipe: Recipe
    changes: tuple[str, ...]
    settings: Settings
    seed: int
    execution: Execution
    command: tuple[str, ...] = ()

    def plan(self, genotype: Genotype, *, download: bool = False) -> RunPlan:
        """What a training of the genotype does."""
        return plan_run(
            genotype,
            data=self.data,
            recipe=self.recipe,
            changes=self.changes,
            settings=self.settings,
            seed=self.seed,
            execution=self.execution,
            download=download,
        )

    def write(self, path: Path) -> None:
        """Write the file that `finish:FILE` names.

        Raises:
            CellError: NAS006, it cannot be written.
        """
        members = {**asdict(self), "settings": self.settings.given()}
        with write_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(members, indent=2) + "\n")


def read_finish(path: Path) -> Finish:
    """What a file that `Finish.write` has written says.

    Raises:
        CellError: NAS882, it cannot be read.
    """
    try:
        members: dict[str, Any] = json_value(document_text(path))
        recipe = {name: members["recipe"][name] for name in _names(Recipe, members["recipe"])}
        return Finish(
            str(members["data"]),
            Recipe(**recipe),
            tuple(members["changes"]),
            Settings(**members["settings"]),
            int(members["seed"]),
            Execution(**members["execution"]),
            tuple(members["command"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise cell_error(
            "NAS882", f"{str(path)!r} does not say how to finish a search: {error}"
        ) from error


def _names(kind: Any, members: dict[str, Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.name in members]


class FinishingEvaluator:
    """Trains each genotype in a run of its own.

    Args:
        folder: of the runs.
        finish: how to train them.
    """

    def __init__(self, folder: Path, finish: Finish) -> None:
        self.folder, self.finish = folder, finish

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The accuracy by which winners are ranked; the seed is that of the finish.

        Raises:
            CellError: NAS841, the folder has a run of this network that does something else.
        """
        # Imported here because it brings PyTorch, and a wrong recipe should not wait for that.
        from nasdsl.train.run import train_run

        genotype = cells_of_text(text)
        plan = self.finish.plan(genotype)
        path = self.folder / canonical_hash(genotype)
        folder = RunFolder(path)
        if folder.exists:
            job = folder.job()
            ensure_same_job(path, job, plan.job)
            plan = replace(plan, job=job)
        else:
            begin_run(path, plan, self.finish.command)
        fitted = train_run(folder, plan, watchers=[_Reporter(report)])
        if fitted.findings:
            members = [[each.code, each.message, each.hints] for each in fitted.findings]
            write_text(path / WARNINGS, json.dumps(members) + "\n")
        found = fitted.held_out or fitted.test
        assert found is not None, "every source of data has images that are not trained on"
        cost = graph_cost(plan.graph)
        return Score(found.accuracy, (), cost.params, cost.mult_adds)


class _Reporter(Watcher):
    """Reports the accuracy of each epoch."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def epoch_ended(self, epoch: Epoch) -> None:
        """On the images held out, or while training where none are held out."""
        self.report(epoch.held_out.accuracy if epoch.held_out else epoch.accuracy)


def ensure_same_job(path: Path, job: Job, wanted: Job) -> None:
    """Accuracies of one recipe must not stand as those of another; the device may differ.

    Raises:
        CellError: NAS841, the run is of another network, data set, recipe or seed.
    """
    names = ("network", "data", "recipe", "seed")
    _require_same(path, job, wanted, dict(zip(names, names, strict=True)))


def ensure_same_finish(path: Path, before: Finish, wanted: Finish) -> None:
    """The same of what all networks of a finish have in common.

    Raises:
        CellError: NAS841, the finish is with another network, data set, recipe or seed.
    """
    names = {"data": "data", "settings": "network", "recipe": "recipe", "changes": "recipe"}
    _require_same(path, before, wanted, {**names, "seed": "seed"})


_Asked = TypeVar("_Asked", Job, Finish)


def _require_same(path: Path, before: _Asked, wanted: _Asked, words: dict[str, str]) -> None:
    """Refuse what differs in one of these members; the words are for the message."""
    others = dict.fromkeys(
        word
        for name, word in words.items()
        if getattr(before, name) != getattr(wanted, name)
        and not (name == "data" and is_same_data(before.data, wanted.data))
    )
    if others:
        raise cell_error(
            "NAS841",
            f"the run in {str(path)!r} is of another {' and another '.join(others)}",
            "use another `--out` to start again, or the same flags as before to continue",
        )


def warnings_of(path: Path) -> tuple[Diagnostic, ...]:
    """The warnings about the model of a run; none where the folder holds none."""
    try:
        members = json_value(document_text(path / WARNINGS))
        return tuple(Diagnostic(code, text, hints=tuple(hints)) for code, text, hints in members)
    except (OSError, ValueError, TypeError):
        return ()


def data_of(evaluator: str) -> str:
    """What an evaluator's spec trains on or looks at; the digits where it does not say."""
    return data_in(evaluator) or "digits"


def finishing_evaluator(what: str, options: dict[str, str]) -> FinishingEvaluator:
    """The evaluator of `finish:FILE`.

    Raises:
        CellError: NAS882 for options, or a file that is not one of `nasdsl.search.finish`;
            NAS701 where a package is not installed.
    """
    no_options("finish", options)
    path = Path(what)
    evaluator = FinishingEvaluator(path.parent / RUNS, read_finish(path))
    ensure_installed()
    return evaluator
