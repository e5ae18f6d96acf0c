"""The interface of every engine: leases go in, notices about them come out.

A lease is submitted to a free worker. Heartbeats show that the worker is alive; the lease ends
with an outcome, or with the loss of its worker. Time limits and retries are the search loop's,
which cancels what is silent or late, so they are the same for every engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from nasdsl.search.store import Lease, Outcome


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker of this lease is alive; `value` is the next of its curve, if any."""

    key: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """An evaluation has ended, with a reward or a failure; `printed` is what it printed."""

    outcome: Outcome
    worker: str
    printed: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of this lease was lost, and why. The trial may be tried again.

    `printed` is what the evaluation had printed.
    """

    key: str
    reason: str
    printed: str = ""


Notice = Heartbeat | Finished | Lost


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one worker: its name, and variables for its environment (devices, threads)."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Settings of each worker.

    `evaluator` is a spec for `nasdsl.search.evaluators.evaluator`; `heartbeat` is in seconds;
    a worker is replaced after `recycle` trials, and when it uses more than `memory` bytes.
    """

    evaluator: str
    heartbeat: float = 10.0
    recycle: int = 100
    memory: int | None = None


@runtime_checkable
class Engine(Protocol):
    """Workers, wherever they run. An engine is used from one thread."""

    def start(self) -> None:
        """Start the workers without waiting for them; each is free once it is ready.

        Raises:
            CellError: NAS869 or NAS870 where none can be started.
        """
        ...

    def free(self) -> int:
        """How many leases can be submitted now."""
        ...

    def workers(self) -> int:
        """How many workers there are, busy or free."""
        ...

    def submit(self, lease: Lease) -> str:
        """Hand a lease to a free worker; the worker's name."""
        ...

    def poll(self, timeout: float) -> list[Notice]:
        """The new notices, after waiting up to `timeout` seconds for the first of them.

        Raises:
            CellError: workers cannot be started, and trying again would not help.
        """
        ...

    def cancel(self, key: str) -> None:
        """End the worker of this lease and everything it has started; no notice follows."""
        ...

    def close(self) -> None:
        """End all workers and everything they have started."""
        ...
