"""Evaluations that hang, fork, leak memory, ignore signals or die: each has to be ended.

    python -m bench.reliability.children

Each kind of child is searched with for two trials. The deadline (or the limit on memory) ends
it, its trial is quarantined with the reason after three tries, and no process that it has
started is left. The same is then repeated with the search process killed in the middle. The exit
status is 1 if any of this fails.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.reliability.mocks import environment, space
from bench.reliability.patience import becomes_true
from bench.reliability.started import living
from nasdsl.search.loop import SearchSettings, run
from nasdsl.search.store import Reader

KINDS = ("endless", "stubborn", "forking", "leaking", "dying")
#: Those that only a deadline ends.
_LASTING = ("endless", "stubborn", "forking")
#: Of a worker on a forking child: itself, two forks, and a program.
_FAMILY = 4
_WORKERS = 2
_MODULE = "bench.reliability.children"


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one kind of child; `seconds` are those of the whole search."""

    kind: str
    reasons: tuple[str, ...]
    seconds: float
    orphans: int


def end_children(kind: str, folder: Path, trials: int = 2, tries: int = 3) -> Found:
    """Search with such children until all of their trials are quarantined."""
    store, start = folder / f"{kind}.db", time.monotonic()
    counts = run(settings(kind, store, trials, tries))
    assert counts.quarantined == trials, counts
    with Reader(store) as reader:
        reasons = tuple(sorted({str(trial.failure) for trial in reader.trials()}))
    return Found(kind, reasons, time.monotonic() - start, living())


def kill_search(folder: Path) -> Found:
    """Kill the search process while forking children are at work; the guard ends them."""
    command = [sys.executable, "-m", _MODULE, "--search", "forking", str(folder / "killed.db")]
    with subprocess.Popen(command, env=environment()) as process:
        # The guard carries no mark.
        have_forked = becomes_true(lambda: living() >= _WORKERS * _FAMILY)
        process.kill()
    assert have_forked
    start = time.monotonic()
    becomes_true(lambda: not living())
    return Found("forking", ("the search process was killed",), time.monotonic() - start, living())


def settings(kind: str, store: Path, trials: int, tries: int) -> SearchSettings:
    """A search whose children are all of that kind, each ended in the one way that is its own."""
    return SearchSettings(
        space(),
        store,
        evaluator=f"python:bench.reliability.mocks:{kind}",
        trials=trials,
        workers=_WORKERS,
        heartbeat=600.0,  # none is silent
        deadline=1.5 if kind in _LASTING else None,
        memory=200_000_000 if kind == "leaking" else None,
        tries=tries,
    )


def main() -> None:
    if sys.argv[1:2] == ["--search"]:
        _, _, kind, store = sys.argv
        run(replace(settings(kind, Path(store), 1000, 3), deadline=None))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            found.append(end_children(kind, Path(folder)))
            print(found[-1], flush=True)
        found.append(kill_search(Path(folder)))
        print(found[-1])
    sys.exit(1 if any(each.orphans for each in found) else 0)


if __name__ == "__main__":
    main()
