"""What an engine is to the controller: places for leases, and notices of what became of them.

Purpose: the one interface of every engine. A lease is submitted; beats say that its worker
lives; it ends with an outcome or with its worker's loss. Time limits are the controller's, which
cancels what is silent or late; so they are the same for every engine.
Non-goals: the store; retries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nasdsl.search.store import Lease, Outcome


@dataclass(frozen=True, slots=True)
class Beat:
    """The worker of this lease lives; `value` is one more value of its curve, where it has one."""

    key: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """An evaluation came to its end, well or badly."""

    outcome: Outcome
    worker: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The worker of this lease was lost, for this reason. The trial may be tried again."""

    key: str
    reason: str


Notice = Beat | Finished | Gone


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one worker: its name, and what its environment adds (devices, threads)."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How workers work.

    `evaluator` is a spec for `nasdsl.search.evaluators.evaluator`; `heartbeat` is in seconds;
    a worker is replaced after `recycle` trials, and when it is found to use more than
    `memory` bytes.
    """

    evaluator: str
    heartbeat: float = 10.0
    recycle: int = 100
    memory: int | None = None


class Engine(Protocol):
    """Workers, wherever they are. Used from one thread."""

    def start(self) -> None:
        """Begin to start workers; they are free once they are ready.

        Raises:
            CellError: NAS869 or NAS870 where there can be none.
        """
        ...

    def free(self) -> int:
        """How many leases it would take now."""
        ...

    def workers(self) -> int:
        """How many workers there are, busy or free."""
        ...

    def submit(self, lease: Lease) -> str:
        """Hand a lease to a free worker; the worker's name."""
        ...

    def poll(self, timeout: float) -> list[Notice]:
        """All that is new, waiting up to `timeout` seconds for the first of it.

        Raises:
            CellError: workers cannot be started, for a reason that will not pass.
        """
        ...

    def cancel(self, key: str) -> None:
        """End the worker of this lease and all that it has started; no notice follows."""
        ...

    def close(self) -> None:
        """End all workers and all that they have started."""
        ...
