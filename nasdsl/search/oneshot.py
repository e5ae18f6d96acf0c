"""RUN/: the folder of a one-shot search, with a store like any search's.

space.cell           the space, with every setting of the super-network
oneshot.json         algorithm, options, data, seed, versions, the command
metrics.jsonl        a line for each epoch
checkpoints/         the newest two, the super-network among them
search.db            a trial for each member that an epoch led to
alphas.svg           how strong each option was, by epoch
derived.cell         the result, at the end

A trial's reward is the accuracy with inherited weights at the end of the epoch that first led to
the member. When the search has ended, all of them are measured again with the final weights, so
that they can be compared.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from nasdsl import __version__
from nasdsl.atomic_write import replace_bytes, replace_text, write_errors
from nasdsl.canonical import canonical_hash
from nasdsl.documents import document_text
from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.settings import RULES, Settings
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.loading import cells_of_text, loads_space
from nasdsl.memory import memory_errors
from nasdsl.oneshot.method import METHODS
from nasdsl.oneshot.planning import OneShotPlan, images_recipe
from nasdsl.oneshot.watching import Candidate, SearchEpoch, SearchWatcher
from nasdsl.report.visible import visible
from nasdsl.search.store import Store
from nasdsl.search.store.records import Outcome, Progress, Proposal
from nasdsl.train.data.datasets import datasets
from nasdsl.train.execution import Execution, provenance
from nasdsl.train.records import read_errors, record, recorded_value, versioned
from nasdsl.train.run_folder import CHECKPOINTS, METRICS, ONE_SHOT, RunFolder, no_run_at
from nasdsl.values import Seed, shown

VERSION = 1
SPACE, RUN, STORE = "space.cell", ONE_SHOT, "search.db"
ALPHAS, DERIVED = "alphas.svg", "derived.cell"
#: What was done before an option said it.
_BEFORE = {"augmentation": "crop_flip", "crop": "upsampled"}


@dataclass(frozen=True, slots=True)
class OneShotResult:
    """What a one-shot search has found.

    Attributes:
        text: the derived member, with comments that say where it comes from.
        accuracy: with the weights that it inherits, on the images held out, 0 to 1.
        images: how many those are.
        epochs: that were done.
        skips: how many of its chosen ops are skips.
        ops: how many were chosen.
    """

    text: str
    accuracy: float
    images: int
    epochs: int
    skips: int
    ops: int


def is_one_shot(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a one-shot search."""
    return (Path(path) / RUN).is_file()


def begin_one_shot(
    path: str | os.PathLike[str], plan: OneShotPlan, command: Sequence[str] = ()
) -> RunFolder:
    """The folder of a new one-shot search.

    Raises:
        CellError: NAS841, something is there; NAS006, it cannot be written.
    """
    folder = RunFolder(path)
    require_new(path)
    with folder.created():
        replace_text(folder / SPACE, space_text(plan.space))
        about = {
            "version": VERSION,
            "algorithm": plan.method.name,
            "options": plan.option_texts(),
            "own": plan.own.given(),
            "data": plan.splits.name,
            "seed": plan.seed,
            "device": plan.device,
            "command": list(command),
            **provenance(),
        }
        # Last, because this file makes the folder a run.
        replace_text(folder / RUN, json.dumps(about, indent=2) + "\n")
    return folder


def require_new(path: str | os.PathLike[str]) -> None:
    """Refuse a folder in which something is.

    Raises:
        CellError: NAS841.
    """
    if is_one_shot(path):
        raise cell_error(
            "NAS841",
            f"{os.fspath(path)!r} already holds a search",
            f"`nasdsl search --resume {os.fspath(path)}` continues it",
        )
    RunFolder(path).require_new()


def recorded_one_shot(path: str | os.PathLike[str]) -> OneShotPlan:
    """What the one-shot search in a folder does, as its files say, and its data.

    Raises:
        CellError: NAS843, there is none, or its files are damaged; what the data are refused for.
    """
    folder = RunFolder(path)
    if not is_one_shot(path):
        raise no_run_at(folder.path, "a one-shot search", "nasdsl search SPACE --algorithm darts")
    with read_errors(folder.path, RUN, "search"):
        about = versioned(folder / RUN, VERSION)
        method = METHODS.find(_typed(about, "algorithm", str))
        options = method.options_with({**_BEFORE, **_typed(about, "options", dict)})
        data = recorded_value("data", str, about["data"])
        seed = recorded_value("seed", Seed, about["seed"])
        device = record(Execution, {"device": about["device"]}).device
        own = _settings(_typed(about, "own", dict))
    with read_errors(folder.path, SPACE, "search"):
        space = loads_space(document_text(folder / SPACE))
    splits = datasets(data, images_recipe(options, space.settings.image_size))
    return OneShotPlan(space, method, options, splits, own, seed, device)


def _settings(given: dict[str, Any]) -> Settings:
    legal = {name: RULES[name].legal(value) for name, value in given.items()}
    for name, value in legal.items():
        if value is None or type(value) is not type(given[name]):
            raise ValueError(f"{name} is {shown(given[name])}, not {RULES[name].description}")
    return Settings(**legal)


def _typed(about: dict[str, Any], name: str, kind: type) -> Any:
    value = about[name]
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r:.40}")
    return value


def run_one_shot(
    folder: RunFolder, plan: OneShotPlan, watchers: Sequence[SearchWatcher] = ()
) -> OneShotResult:
    """Search in a folder, from its newest checkpoint if it has one.

    Args:
        folder: what `begin_one_shot` made.
        plan: what it was made for, or what `recorded_one_shot` read there.
        watchers: `SearchWatcher`s, in addition to those that write the run's files.

    Raises:
        CellError: NAS841, another process uses the folder; NAS840, NAS842; NAS707, memory ends;
            NAS843, its checkpoint was made with another algorithm, options, seed, data or space.
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    from nasdsl.oneshot.training import OneShotSearch
    from nasdsl.train.own_checkpoints import OwnCheckpoints
    from nasdsl.train.run import interruption

    less = (
        "`--option batch=...`, `--option cell_filters=...` and `--option N=...` make it smaller; "
        "checkpoints are kept"
    )
    with folder.locked(), interruption() as stop, memory_errors(less):
        store = Store(folder / STORE)
        try:
            files = _Files(folder, plan, store)
            checkpoints = OwnCheckpoints(folder / CHECKPOINTS, _made_with(plan))
            search = OneShotSearch(plan, checkpoints, (files, *watchers), stop)
            ended = search.run()
            result = _derived(folder, plan, ended, search.held_out.count)
            files.finish(search)
            replace_text(folder / DERIVED, result.text)
        finally:
            store.close()
    return result


def _made_with(plan: OneShotPlan) -> dict[str, Any]:
    return {
        "options": {"algorithm": plan.method.name, **plan.option_texts()},
        "seed": plan.seed,
        "data": plan.splits.name,
        "space": sha256(space_text(plan.space).encode()).hexdigest(),
    }


class _Files(SearchWatcher):
    """Writes metrics, the store and the picture."""

    def __init__(self, folder: RunFolder, plan: OneShotPlan, store: Store) -> None:
        self.folder, self.plan, self.store = folder, plan, store
        self.history: list[SearchEpoch] = []

    def started(self, search: Any) -> None:
        """Write what the epochs before the checkpoint have found, and nothing later."""
        self.history = list(search.history)
        replace_text(self.folder / METRICS, "".join(map(_line, self.history)))
        texts = [each for epoch in self.history for each in epoch.candidates]
        with self.store.transaction():
            self.store.restart()
            self.store.put_settings(
                {
                    "space": space_text(replace(self.plan.space, settings=self.plan.own)),
                    "algorithm": self.plan.method.name,
                    "options": self.plan.option_texts(),
                    "evaluator": f"supernet:{self.folder.path.absolute()}",
                    "seed": self.plan.seed,
                    "limits": {},
                    "block": 1,
                    "window": 1,
                    "trials": max(len(texts), 1),
                    "trained": None,
                    "execution": {},
                    "folder": str(self.folder.path.absolute()),
                }
            )
            self._add(texts)

    def epoch_ended(self, epoch: SearchEpoch) -> None:
        """Add the epoch."""
        self.history.append(epoch)
        path = self.folder / METRICS
        with write_errors(path), path.open("a", encoding="utf-8") as stream:
            stream.write(_line(epoch))
        with self.store.transaction():
            self._add(epoch.candidates)

    def finish(self, search: Any) -> None:
        """Measure everything again, and draw."""
        found = {each.text: each for epoch in self.history for each in epoch.candidates}
        again = [
            replace(each, accuracy=search.held_out.accuracy(search.net, cells_of_text(text)))
            for text, each in found.items()
        ]
        with self.store.transaction():
            self.store.restart()
            self._add(again)
        if self.history[-1].strengths:
            from nasdsl.oneshot.figure import strengths_picture

            try:
                picture = strengths_picture(self.history, self.plan.space)
            except CellError as error:
                if error.diagnostics[0].code != "NAS701":
                    raise
                return  # matplotlib is not installed; metrics.jsonl has the numbers
            replace_bytes(self.folder / ALPHAS, picture)

    def _add(self, candidates: Sequence[Candidate]) -> None:
        first = self.store.counts().proposed
        proposals = [Proposal(c.text, canonical_hash(cells_of_text(c.text))) for c in candidates]
        self.store.propose(first, proposals)
        for number, candidate in enumerate(candidates, first):
            self.store.settle(Outcome("", number, candidate.accuracy, (candidate.accuracy,)))
        count = first + len(candidates)
        self.store.put_settings({"trials": max(count, 1)})
        self.store.advance(Progress(count, 0, count), {})


def _line(epoch: SearchEpoch) -> str:
    return json.dumps(epoch.as_members()) + "\n"


def _derived(
    folder: RunFolder, plan: OneShotPlan, ended: SearchEpoch, images: int
) -> OneShotResult:
    best = ended.best
    genotype = replace(cells_of_text(best.text), name=_name(folder.path))
    options = ", ".join(f"{name} = {value}" for name, value in plan.option_texts().items())
    # Without its path, which is the business of one machine.
    data = plan.splits.name.partition(":")[0]
    comments = [
        f"# {genotype.name}: derived by `{plan.method.name}` of nasdsl {__version__} from the "
        f"space `{plan.space.name}`",
        f"# data {data}, seed {plan.seed}, epoch {ended.epoch}; {options}",
        f"# inherited accuracy {best.accuracy:.4f} on {images} images held out; "
        f"{ended.skips} of {ended.ops} chosen ops are skips",
        f"# hash {canonical_hash(genotype)}",
    ]
    lines = "".join(f"{visible(line)}\n" for line in comments)
    text = f"{lines}{genotype_text(genotype)}"
    return OneShotResult(text, best.accuracy, images, ended.epoch, ended.skips, ended.ops)


def _name(path: Path) -> str:
    """What the derived genotype is called: the name of the run's folder."""
    name = re.sub(r"\W+", "_", Path(path).absolute().name, flags=re.ASCII).strip("_")
    return name[:40] if name[:1].isalpha() else f"s{name[:40]}"
