"""Kill and stop workers at random, and check what becomes of their leases.

    python -m bench.reliability.workers --losses 200 --workers 32
    python -m bench.reliability.workers --losses 200 --workers 200 --heartbeat 10

Half of the losses are SIGKILL, half SIGSTOP (a worker that hangs without dying). Every lease must
be given up within two heartbeats of the signal and its trial queued again, or quarantined with
the reason after the third try; no trial may have more than one result. A few trials kill their
own worker every time, so that some are quarantined. The exit status is 1 if any of this fails.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.reliability.mocks import space
from nasdsl.search.engines.choosing import slots
from nasdsl.search.engines.engine import Slot, WorkerSettings
from nasdsl.search.engines.local import LocalEngine
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Lease, Outcome, Reader, Store


@dataclass(frozen=True, slots=True)
class Found:
    """What it came to."""

    trials: int
    completed: int
    failed: int
    quarantined: int
    most_attempts: int
    losses: int
    slowest: float
    late_results_counted: int

    @property
    def is_sound(self) -> bool:
        """Whether every lease came back, at most three times, and nothing is missing."""
        return (
            self.completed + self.failed == self.trials
            and self.most_attempts <= 3
            and self.late_results_counted == 0
        )


class SabotagedEngine(LocalEngine):
    """Sends signals to workers at random moments of their work, until so many were lost to them."""

    def __init__(self, slots: Sequence[Slot], settings: WorkerSettings, wanted: int) -> None:
        super().__init__(slots, settings)
        self.waits: list[float] = []  # seconds from a signal until the lease was given up
        self._wanted, self._random = wanted, Random(0)
        self._hit: dict[int, float] = {}  # when the worker of a trial got its signal

    def submit(self, lease: Lease) -> str:
        """Hand the lease over; half of the workers get a signal while they are at it."""
        name = super().submit(lease)
        if len(self.waits) + len(self._hit) < self._wanted and self._random.random() < 0.5:
            time.sleep(self._random.uniform(0, 0.01))
            self._hit[lease.trial] = time.monotonic()
            number = self._random.choice((signal.SIGKILL, signal.SIGSTOP))
            with suppress(ProcessLookupError):
                os.kill(self.processes()[lease.key], number)
        return name

    def tell(self, event: Event) -> None:
        """Hear what became of the trials; some results were on their way before the signal."""
        for trial in event.trials:
            hit = self._hit.pop(trial.id, None)
            if hit is not None and event.what == "lost":
                self.waits.append(time.monotonic() - hit)


def lose_workers(
    store: Path, losses: int, workers: int, heartbeat: float, evaluator: str = "half_bad"
) -> Found:
    """Search until so many workers were lost to a signal, and finish undisturbed."""
    settings = SearchSettings(
        space(),
        store,
        evaluator=f"python:bench.reliability.mocks:{evaluator}",
        trials=max(4 * losses, 40),
        workers=workers,
        heartbeat=heartbeat,
        seed=1,
    )
    engine = SabotagedEngine(
        slots(settings), WorkerSettings(settings.evaluator, heartbeat, settings.recycle), losses
    )
    counts = run(settings, engine.tell, engine=engine)
    with Reader(store) as reader:
        rows = list(reader.trials())
    return Found(
        len(rows),
        counts.completed,
        counts.failed,
        counts.quarantined,
        max(row.attempts for row in rows),
        len(engine.waits),
        max(engine.waits, default=0.0),
        _late(store, rows[-1].id),
    )


def _late(store: Path, trial: int) -> int:
    """How many of two late results of a settled trial are counted."""
    opened = Store(store)
    try:
        with opened.transaction():
            return sum(opened.settle(Outcome("late", trial, reward=9.0)) for _ in range(2))
    finally:
        opened.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--losses", type=int, default=200)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--heartbeat", type=float, default=4.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = lose_workers(
            Path(folder) / "s.db", options.losses, options.workers, options.heartbeat
        )
    print(found)
    sys.exit(0 if found.is_sound and found.slowest <= 2 * options.heartbeat else 1)


if __name__ == "__main__":
    main()
