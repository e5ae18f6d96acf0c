"""What a search is asked to do, and whether a store holds that same search.

The settings that make a search the one it is are written to its store when it starts, and
compared when it resumes. Workers, time limits and the number of trials may change.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from nasdsl.errors import cell_error
from nasdsl.language.genotype.text import space_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.search.evaluators.places import spec_at
from nasdsl.search.fidelity import Fidelity
from nasdsl.search.objectives import (
    LATENCY,
    Objective,
    absolute_objectives,
    objectives_spec,
    stored_objectives,
)
from nasdsl.search.protocol import Same
from nasdsl.search.store import Store
from nasdsl.space import count
from nasdsl.values import Count, CountOrNone, Threads, Values, require_fields

#: Seconds that pass.
_Duration = Annotated[float, Values(float, minimum=0.001)]

#: Why a genotype is not worth evaluating, or None: `--max-params` and the like.
Limit = Callable[[Genotype], str | None]


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """A search.

    Attributes:
        space: what to search; it leaves something open.
        store: the file that everything is saved to; a text becomes a path.
        algorithm: the searcher's name, with its `options`.
        evaluator: the evaluator's spec, such as `train` or `table:FILE`.
        trials: proposals to make at most, not counting those that a limit rejects.
        trained: unique networks to evaluate at most; one whose evaluation fails does not count.
            None leaves it to `trials`.
        seed: of the searcher and, with a network's hash, of its evaluation.
        workers: evaluations at a time, where no GPUs are asked for.
        block: proposals made, and results observed, at a time; None for one a worker, at most
            20. Block and window fix what the searcher knows when it proposes, so that a search
            is the same whenever its workers finish, and however often it was interrupted.
        window: proposals that may be unobserved at a time, at least a block; None for the
            workers and a block. A larger window keeps workers busy while one is slow; with a
            smaller one the searcher knows more when it proposes.
        tries: lost workers after which a trial is quarantined.
        heartbeat: seconds; a worker that is silent for 1.6 of them is lost.
        deadline: seconds an evaluation may take, or None.
        recycle: trials after which a worker is replaced by a fresh process.
        memory: bytes that a worker may use, or None.
        engine: `local`, `ray` (at `address`), or another that is installed.
        gpus: GPUs to use, of this machine (local) or of the cluster (ray); 0 for none.
        per_gpu: workers on each GPU.
        threads: CPU threads of each worker.
        limits: the limits by name, as the store keeps them; `limit` applies them.
        dry_after: rejections in a row after which the space counts as empty.
        patience: failures before the first reward after which the evaluator is at fault.
        trial: what a trial is, in words for people; empty where nobody says it.
        objectives: what the search wants more or less of, the first being the reward; empty for
            the evaluator's reward alone.
        start: members of the space, as its texts, that are proposed before the algorithm's own.
        same: what makes networks share a result, `structure` or `function`; None for what the
            store has, and `structure` in a new one.
        fidelity: how networks are trained in parts; None trains each as a whole. Promotions come
            in addition to `trials`, and the states of trainings are kept in a folder beside the
            store, `STORE.trainings`.
        inherit_weights: whether a training begins with the weights of the network that its own
            was made from, where their parts are the same. Every network's weights are kept, in
            `STORE.weights`.

    Raises:
        CellError: NAS008, a number is beyond what is said of it.
    """

    space: Space
    store: Path
    algorithm: str = "random"
    options: Mapping[str, Any] = field(default_factory=dict)
    evaluator: str = "train"
    trials: Count = 200
    trained: Count | None = None
    seed: int = 0
    workers: Count = 1
    block: Count | None = None
    window: Count | None = None
    tries: Count = 3
    heartbeat: _Duration = 10.0
    deadline: _Duration | None = None
    recycle: Count = 100
    memory: Count | None = None
    engine: str = "local"
    address: str = "auto"
    gpus: CountOrNone = 0
    per_gpu: Count = 1
    threads: Threads = 1
    limits: Mapping[str, Any] = field(default_factory=dict)
    limit: Limit | None = None
    dry_after: Count = 1000
    patience: Count = 5
    trial: str = ""
    objectives: tuple[Objective, ...] = ()
    same: Same | None = None
    start: tuple[str, ...] = ()
    fidelity: Fidelity | None = None
    inherit_weights: bool = False

    def __post_init__(self) -> None:
        require_fields(self)
        object.__setattr__(self, "store", Path(self.store))

    @property
    def for_workers(self) -> "SearchSettings":
        """The settings that an engine gets, whose evaluator measures every objective."""
        latency = self.limits.get(LATENCY)
        if not self.objectives and latency is None:
            return self
        spec = objectives_spec(self.evaluator, self.objectives, latency)
        return replace(self, evaluator=spec)

    @property
    def trainings(self) -> Path:
        """Where the states of trainings in parts are kept."""
        return self._beside("trainings")

    @property
    def weights(self) -> Path:
        """Where weights are kept to be inherited."""
        return self._beside("weights")

    def _beside(self, what: str) -> Path:
        return self.store.absolute().with_name(f"{self.store.name}.{what}")

    @property
    def size(self) -> int:
        """Evaluations at a time."""
        return self.gpus * self.per_gpu or self.workers


#: The settings that may not change when a search resumes, in the order of the report.
_IDENTITY = (
    *("space", "algorithm", "options", "evaluator", "objectives", "same", "seed", "limits"),
    *("block", "window", "start", "fidelity", "inherit_weights"),
)
#: What a store of an older version, which does not say it, means.
_BEFORE: dict[str, Any] = {
    "objectives": [],
    "same": "structure",
    "start": [],
    "fidelity": None,
    "inherit_weights": False,
}
#: How a search runs on a machine: kept for a resume that does not say it, and free to change.
EXECUTION = ("workers", "engine", "address", "gpus", "per_gpu", "threads", "deadline", "memory")
#: The most proposals made at a time, where the settings leave it open.
_MAX_BLOCK = 20


def start_or_resume(settings: SearchSettings, store: Store, *, resume: bool) -> SearchSettings:
    """The settings, completed by those in the store; a new store gets them.

    Raises:
        CellError: NAS604 (the space has one member), NAS863 (the store is of another search),
            NAS866 (the store already holds a search, and `resume` is not set).
    """
    if count(settings.space) == 1:
        raise cell_error(
            "NAS604",
            "the space has a single member, so there is nothing to search",
            "`?` or `{add | concat}` leaves a field open",
        )
    stored = store.settings()
    if stored and not resume:
        raise cell_error(
            "NAS866",
            f"{store.path} already holds a search",
            "`--resume` continues it; another `--store` starts a new one",
        )
    block = (
        settings.block or _stored_count(stored, "block", store) or min(settings.size, _MAX_BLOCK)
    )
    window = settings.window or _stored_count(stored, "window", store) or settings.size + block
    same = settings.same or ({**_BEFORE, **stored}["same"] if stored else "structure")
    settings = replace(settings, block=block, window=max(window, block), same=same)
    identity = _identity(settings)
    if stored:
        _require_same_search(identity, stored, store)
    with store.transaction():
        ends = {"trials": settings.trials, "trained": settings.trained}
        execution = {name: getattr(settings, name) for name in EXECUTION}
        folder = str(store.path.absolute().parent)
        store.put_settings({**identity, **ends, "execution": execution, "folder": folder})
    return settings


def _stored_count(stored: dict[str, Any], name: str, store: Store) -> int | None:
    """A number that a new search has written; None where the store is new."""
    found = stored.get(name)
    if stored and (type(found) is not int or found < 1):
        raise cell_error(
            "NAS865", f"{store.path} is not what a search writes: its {name} is {found!r:.40}"
        )
    return found


def _identity(settings: SearchSettings) -> dict[str, Any]:
    values = {
        "space": space_text(settings.space),
        "algorithm": settings.algorithm,
        "options": dict(settings.options),
        "evaluator": settings.evaluator,
        "objectives": absolute_objectives(settings.objectives),
        "same": settings.same,
        "start": list(settings.start),
        "fidelity": settings.fidelity and settings.fidelity.members(),
        "inherit_weights": settings.inherit_weights,
        "seed": settings.seed,
        "limits": dict(settings.limits),
        "block": settings.block,
        "window": settings.window,
    }
    # In the form in which they are read again: with lists for tuples.
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _require_same_search(asked: dict[str, Any], stored: dict[str, Any], store: Store) -> None:
    stored = {**_BEFORE, **stored}
    other = [key for key in _IDENTITY if asked[key] != stored.get(key)]
    if "objectives" in other:
        before = stored_objectives(stored, store.path)
        if absolute_objectives(before) == asked["objectives"]:
            other.remove("objectives")
    if "evaluator" in other and isinstance(stored.get("evaluator"), str):
        # Whichever way a path was written, and wherever the store was moved with its data.
        moved = spec_at(stored["evaluator"], stored.get("folder"), store.path)
        if moved == spec_at(asked["evaluator"], None, store.path):
            other.remove("evaluator")
    if not other:
        return
    differences = [
        f"the store has {key} {stored.get(key)!r:.80}, not {asked[key]!r:.80}"
        for key in other
        if key not in ("space", "start")
    ]
    raise cell_error(
        "NAS863",
        f"{store.path} holds another search; it differs in {', '.join(other)}",
        *differences,
        "another `--store` starts a new search",
    )
