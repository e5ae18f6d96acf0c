"""Evaluations that hang, fork, leak memory, ignore signals or die: each has to be ended.

    python -m bench.reliability.children

Each kind of child is searched with for two trials. The deadline (or the limit on memory) ends
it, its trial is quarantined with the reason after three tries, and no process that it has
started is left. The same is then repeated with the search process killed in the middle. The exit
status is 1 if any of this fails.
"""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from bench.reliability.mocks import environment, space
from nasdsl.search.engines.processes import MARK
from nasdsl.search.loop import SearchSettings, run
from nasdsl.search.store import Reader

KINDS = ("endless", "stubborn", "forking", "leaking", "dying")
_MODULE = "bench.reliability.children"
#: Inherited by all that is started from here, so that other searches are not counted.
_OURS = "NASDSL_CHILDREN"
_WORKER = f"{MARK}=".encode()
os.environ.setdefault(_OURS, uuid.uuid4().hex)


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
    return Found(kind, reasons, time.monotonic() - start, marked())


def kill_search(kind: str, folder: Path) -> Found:
    """Kill the search process while such children are at work; the guard ends them."""
    command = [sys.executable, "-m", _MODULE, "--search", kind, str(folder / "killed.db")]
    with subprocess.Popen(command, env=environment()) as process:
        end = time.monotonic() + 60
        # Two workers and the guard, which carries no mark; then time for them to begin.
        while marked() < 2 and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(1)
        process.kill()
    start = time.monotonic()
    while marked() and time.monotonic() < start + 10:
        time.sleep(0.05)
    return Found(kind, ("the search process was killed",), time.monotonic() - start, marked())


def settings(kind: str, store: Path, trials: int, tries: int) -> SearchSettings:
    """A search whose children are all of that kind."""
    return SearchSettings(
        space(),
        store,
        evaluator=f"python:bench.reliability.mocks:{kind}",
        trials=trials,
        workers=2,
        heartbeat=5.0,
        deadline=None if kind == "leaking" else 1.5,
        memory=200_000_000 if kind == "leaking" else None,
        tries=tries,
    )


def marked() -> int:
    """Living workers of this run of the script, with all that descends from them."""
    found, ours = 0, f"{_OURS}={os.environ[_OURS]}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            entries = (folder / "environ").read_bytes().split(b"\0")
            is_marked = ours in entries and any(entry.startswith(_WORKER) for entry in entries)
            is_dead = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
        except OSError:
            continue
        found += is_marked and not is_dead
    return found


def main() -> None:
    if sys.argv[1:2] == ["--search"]:
        _, _, kind, store = sys.argv
        run(settings(kind, Path(store), 1000, 3))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            found.append(end_children(kind, Path(folder)))
            print(found[-1], flush=True)
        found.append(kill_search("forking", Path(folder)))
        print(found[-1])
    sys.exit(1 if any(each.orphans for each in found) else 0)


if __name__ == "__main__":
    main()
