"""What a search is told: what to search, with what, where, and for how long.

Purpose: one value that the command line, Python and the store agree on.
Non-goals: checking names; whoever looks them up does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nasdsl.language.genotype.types import Genotype, Space

#: Why a genotype is not worth evaluating, or None: `--max-params` and the like.
Limit = Callable[[Genotype], str | None]


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """A search.

    Attributes:
        space: what to search; it has a hole.
        store: the file that remembers everything.
        algorithm: the searcher's name, with its `options`.
        evaluator: the evaluator's spec, such as `train` or `table:FILE`.
        trials: proposals to make; those that a limit rejects do not count.
        seed: of the searcher and, with a network's hash, of its evaluation.
        workers: evaluations at a time, where no GPUs are asked for.
        block: proposals made, and results observed, at a time; None for one a worker, at most
            20. Together with `window` it fixes what the searcher knows when, so that a search
            is the same whenever its workers finish, and however often it was interrupted.
        window: proposals that may be unobserved at a time; None for twice the workers and at
            least a block. More of them keep workers busy while one is slow; fewer let the
            searcher know more when it proposes.
        tries: lost workers after which a trial is quarantined.
        heartbeat: seconds; a worker that is silent for two of them is lost.
        deadline: seconds an evaluation may take, or None.
        recycle: trials after which a worker is replaced by a fresh process.
        memory: bytes a worker may hold, or None.
        engine: `local`, `ray` (at `address`), or another that is installed.
        gpus: GPUs to use, of this machine (local) or of the cluster (ray); 0 for none.
        per_gpu: workers on each GPU.
        threads: CPU threads of each worker.
        limits: the limits as they were written, by name, for the store; `limit` applies them.
        dry_after: rejections in a row after which the space counts as empty.
    """

    space: Space
    store: Path
    algorithm: str = "random"
    options: Mapping[str, Any] = field(default_factory=dict)
    evaluator: str = "train"
    trials: int = 200
    seed: int = 0
    workers: int = 1
    block: int | None = None
    window: int | None = None
    tries: int = 3
    heartbeat: float = 10.0
    deadline: float | None = None
    recycle: int = 100
    memory: int | None = None
    engine: str = "local"
    address: str = "auto"
    gpus: int = 0
    per_gpu: int = 1
    threads: int = 1
    limits: Mapping[str, Any] = field(default_factory=dict)
    limit: Limit | None = None
    dry_after: int = 1000

    @property
    def size(self) -> int:
        """Evaluations at a time."""
        return self.gpus * self.per_gpu or self.workers
