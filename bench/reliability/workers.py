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
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.reliability.mocks import space
from nasdsl.search.engines.choosing import slots
from nasdsl.search.engines.engine import WorkerSettings
from nasdsl.search.engines.local import LocalEngine
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Outcome, Reader, Store


@dataclass(slots=True)
class Losses:
    """The saboteur's book: when each lease's worker got which signal, and when it was missed."""

    wanted: int
    hit: dict[int, tuple[float, str]] = field(default_factory=dict)
    waits: list[tuple[float, str]] = field(default_factory=list)
    spared: int = 0

    @property
    def slowest(self) -> float:
        """Seconds from a signal until the lease was given up, at most."""
        return max((wait for wait, _ in self.waits), default=0.0)


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

    def is_sound(self, heartbeat: float) -> bool:
        """Whether every lease came back in time, at most three times, and nothing is missing."""
        return (
            self.completed + self.failed == self.trials
            and self.most_attempts <= 3
            and self.slowest <= 2 * heartbeat
            and self.late_results_counted == 0
        )


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
    engine = LocalEngine(
        slots(settings), WorkerSettings(settings.evaluator, heartbeat, settings.recycle)
    )
    book, over = Losses(losses), threading.Event()
    saboteur = threading.Thread(target=_sabotage, args=(engine, book, over))
    saboteur.start()

    def tell(event: Event) -> None:
        now = time.monotonic()
        for trial in event.trials:
            hit = book.hit.pop(trial.id, None)
            if hit is None:
                continue
            if event.what == "lost":
                book.waits.append((now - hit[0], hit[1]))
            else:
                book.spared += 1  # its result was on its way when the signal came

    try:
        counts = run(settings, tell, engine=engine)
    finally:
        over.set()
        saboteur.join()
    with Reader(store) as reader:
        rows = list(reader.trials())
    return Found(
        len(rows),
        counts.completed,
        counts.failed,
        counts.quarantined,
        max(row.attempts for row in rows),
        len(book.waits),
        book.slowest,
        _late(store, rows[-1].id),
    )


def _sabotage(engine: LocalEngine, book: Losses, over: threading.Event) -> None:
    random = Random(0)
    while not over.wait(0.02) and len(book.waits) + len(book.hit) < book.wanted:
        with suppress(RuntimeError):  # the engine has changed its list meanwhile
            busy = engine.processes()
            victims = [key for key in busy if int(key.split("/")[1]) not in book.hit]
            if not victims:
                continue
            key = random.choice(victims)
            number = random.choice((signal.SIGKILL, signal.SIGSTOP))
            book.hit[int(key.split("/")[1])] = (time.monotonic(), number.name)
            with suppress(ProcessLookupError):
                os.kill(busy[key], number)


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
    sys.exit(0 if found.is_sound(options.heartbeat) else 1)


if __name__ == "__main__":
    main()
