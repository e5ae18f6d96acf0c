"""Many processes that want trials of one store at the same time: each trial is claimed once.

    python -m bench.reliability.claims --processes 64 --claims 1000 --batch 100

A store has one writer at a time: another is refused with NAS864 and tries again, after a random
moment that grows with their number, so that waiting takes no processor. Each process claims a
batch, closes the store, and goes on until it has all of its claims. Exit status 1 if a
trial was claimed twice, one is missing, or a process saw anything but NAS864.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

from nasdsl.errors import CellError
from nasdsl.search.store import Store
from nasdsl.search.store.records import Proposal

#: Seconds for each process that waits.
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Found:
    """What the processes have come to."""

    claimed: int
    twice: int
    refused: int
    errors: tuple[str, ...]

    def is_sound(self, wanted: int) -> bool:
        """Whether each of so many trials was claimed once."""
        return self.claimed == wanted and not self.twice and not self.errors


def claim_together(path: Path, processes: int, claims: int, batch: int) -> Found:
    """Let processes claim all trials of a new store."""
    store = Store(path)
    with store.transaction():
        store.propose(0, [Proposal("x", f"{k:016x}") for k in range(processes * claims)])
    store.close()
    with get_context("spawn").Pool(processes) as pool:
        pause = processes * _PAUSE
        work = [(path, f"process {k}", claims, batch, pause) for k in range(processes)]
        parts = pool.starmap(_claim, work, chunksize=1)
    claimed = [trial for trials, _, _ in parts for trial in trials]
    errors = tuple(error for _, _, error in parts if error)
    refused = sum(count for _, count, _ in parts)
    return Found(len(claimed), len(claimed) - len(set(claimed)), refused, errors)


def _claim(
    path: Path, owner: str, claims: int, batch: int, pause: float
) -> tuple[Sequence[int], int, str]:
    trials: list[int] = []
    refused, random = 0, Random(owner)
    while len(trials) < claims:
        try:
            store = Store(path)
        except CellError as error:
            if error.diagnostics[0].code != "NAS864":
                return trials, refused, str(error)
            refused += 1
            time.sleep(random.uniform(0, pause))
            continue
        try:
            with store.transaction():
                leases = store.claim(min(batch, claims - len(trials)), owner)
        except CellError as error:
            return trials, refused, str(error)
        finally:
            store.close()
        trials += [lease.trial for lease in leases]
    return trials, refused, ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=64)
    parser.add_argument("--claims", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = claim_together(Path(name) / "s.db", given.processes, given.claims, given.batch)
    print(found)
    sys.exit(0 if found.is_sound(given.processes * given.claims) else 1)


if __name__ == "__main__":
    main()
