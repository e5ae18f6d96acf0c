"""A long search that costs nothing: its memory and its open files stay as they are.

    python -m bench.reliability.soak --trials 10000 --hours 2

The search process proposes, leases, settles and saves as in any search, with an engine that
simulates its workers and a reader that looks at the store now and then, as `search top` does. The
resident memory and the open files are read after each tenth of the trials. Exit status 1 if from
the middle, when every cache has its size, to the end the memory has grown by 5 % or more, or if
there are more open files than after the first tenth.
"""

import argparse
import gc
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.reliability.mocks import SimulatedEngine, space
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Reader


@dataclass(frozen=True, slots=True)
class Found:
    """Resident memory in bytes and open files, after each tenth of the trials."""

    trials: int
    memory: tuple[int, ...]
    files: tuple[int, ...]

    def growth(self, tenth: int) -> float:
        """Of the memory from the end of that tenth on, as a share."""
        return self.memory[-1] / self.memory[tenth - 1] - 1

    @property
    def is_sound(self) -> bool:
        """Whether both have stayed as they were."""
        return self.growth(5) < 0.05 and self.files[-1] <= self.files[0]


def soak(store: Path, trials: int, algorithm: str = "evolution", seconds: float = 0.0) -> Found:
    """Search for so many trials, spread over so long, and look at this process."""
    start = time.monotonic()
    process = psutil.Process()
    measured: list[tuple[int, int]] = []
    looks = 0

    def look(event: Event) -> None:
        nonlocal looks
        done = event.counts.completed
        time.sleep(max(0.0, start + seconds * done / trials - time.monotonic()))
        if done >= trials * (looks + 1) // 10:
            looks += 1
            with Reader(store) as reader:
                reader.counts()
            gc.collect()
            measured.append((process.memory_info().rss, process.num_fds()))

    settings = SearchSettings(
        space(), store, algorithm=algorithm, evaluator="mock", trials=trials, workers=8
    )
    run(settings, look, engine=SimulatedEngine(8))
    memory, files = zip(*measured, strict=True)
    return Found(trials, memory, files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--algorithm", default="evolution")
    parser.add_argument("--hours", type=float, default=0.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "s.db"
        found = soak(store, given.trials, given.algorithm, given.hours * 3600)
    print(found)
    for tenth in (1, 5):
        print(f"growth of the memory after {tenth}/10 of the trials: {found.growth(tenth):.1%}")
    sys.exit(0 if found.is_sound else 1)


if __name__ == "__main__":
    main()
