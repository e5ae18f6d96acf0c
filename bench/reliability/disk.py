"""A full disk, a read-only store, a clock that jumps: no corruption, and the search resumes.

    python -m bench.reliability.disk

The disk is filled in two ways: a limit on the size of files, under which writes of SQLite fail in
the middle, and, as root, a file system of sixteen megabytes. A read-only disk is, as root, such a
file system mounted again. After each end the file has to pass SQLite's own check and to hold
what was acknowledged, and the search has to come to the same trials as an undisturbed one. The
clock jumps by an hour, at random, in both directions. Exit status 1 if any of this is not so.
"""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.reliability.mocks import SimulatedEngine, environment, space
from bench.reliability.patience import PATIENCE
from nasdsl.errors import CellError
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.store import Reader

_MODULE = "bench.reliability.disk"
_TRIALS = 400


@dataclass(frozen=True, slots=True)
class Found:
    """What one mishap has come to."""

    mishap: str
    message: str
    acknowledged: int
    is_sound: bool


def full(folder: Path, limit: int) -> Found:
    """Search until files may not grow beyond `limit` bytes, then without that limit."""
    store = folder / "limited.db"
    command = [sys.executable, "-m", _MODULE, "--search", str(store), str(limit)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    return _judged("file size limited", store, done.stdout.strip(), _acknowledged(store))


def full_disk(folder: Path) -> Found:
    """Search on a disk of sixteen megabytes, most of them taken; then make room."""
    with _mounted(folder / "small") as disk:
        ballast, store = disk / "ballast", disk / "s.db"
        ballast.write_bytes(bytes(16_300_000))
        message = _failing(store)
        kept = _acknowledged(store)
        ballast.unlink()
        return _judged("disk full", store, message, kept)


def read_only(folder: Path) -> Found:
    """Resume a search whose disk has become read-only, then writable again."""
    with _mounted(folder / "readonly") as disk:
        store = disk / "s.db"
        _search(store, trials=100)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        message = _failing(store)
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        return _judged("disk read-only", store, message, 100)


def clock_jumps(folder: Path) -> Found:
    """Search while the clock of the machine jumps by an hour, there and back."""
    store, random, real = folder / "clock.db", Random(0), time.time
    time.time = lambda: real() + random.choice((-3600, 0, 3600))
    try:
        _search(store, trials=_TRIALS)
    finally:
        time.time = real
    return _judged("clock jumps", store, "", _TRIALS)


def _search(store: Path, trials: int, on_event: Callable[[Event], None] | None = None) -> None:
    settings = SearchSettings(space(), store, trials=trials, workers=4, evaluator="simulated")
    run(settings, on_event, resume=True, engine=SimulatedEngine(4, burst=2))


def _failing(store: Path) -> str:
    try:
        _search(store, trials=_TRIALS)
    except CellError as error:
        return str(error)
    return "nothing was refused"


def _limited(store: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    print(_failing(store))


def _acknowledged(store: Path) -> int:
    with Reader(store) as reader:
        return reader.counts().completed


def _judged(mishap: str, store: Path, message: str, acknowledged: int) -> Found:
    rows = sqlite3.connect(store)
    is_whole = rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows.close()
    is_diagnosed = not message or "NAS860" in message
    with Reader(store) as reader:
        is_kept = reader.counts().completed >= acknowledged
    _search(store, trials=_TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        _search(Path(folder) / "s.db", trials=_TRIALS)
        with Reader(store) as one, Reader(Path(folder) / "s.db") as other:
            is_same = _rows(one) == _rows(other)
    return Found(mishap, message, acknowledged, is_whole and is_diagnosed and is_kept and is_same)


def _rows(reader: Reader) -> list[tuple[str, float | None]]:
    return [(trial.text, trial.reward) for trial in reader.trials()]


@contextmanager
def _mounted(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "nasdsl-test", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def main() -> None:
    if sys.argv[1:2] == ["--search"]:
        _limited(Path(sys.argv[2]), int(sys.argv[3]))
        return
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found += [full(folder, 300_000), clock_jumps(folder)]
        if os.geteuid() == 0:
            try:
                found += [full_disk(folder), read_only(folder)]
            except subprocess.CalledProcessError as error:
                print(f"no file system can be mounted here: {error.stderr}", file=sys.stderr)
    for each in found:
        print(each)
    sys.exit(0 if all(each.is_sound for each in found) else 1)


if __name__ == "__main__":
    main()
