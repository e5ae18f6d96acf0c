"""Ending processes with all their descendants, wherever those have hidden.

Purpose: no orphans. A worker carries a mark in its environment, which its children inherit
through forks, new sessions and double forks; whatever carries it, or descends from what does,
is killed. Run as a program it is the guard that does so when the controller has died.
Non-goals: systems without `/proc`, where only the worker's process group is ended.
"""

import os
import signal
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from nasdsl.resources import checkout

#: The variable that marks a worker: `ENGINE:NUMBER`.
MARK = "NASDSL_WORKER"

_PROC = Path("/proc")


def python(*words: str) -> list[str]:
    """A command that runs Python on the nasdsl of this process, given `python_environment`."""
    return [sys.executable, "-P", *words]


def python_environment() -> dict[str, str]:
    """The environment of this process, for a Python that is to find what this one finds.

    Another clone in the working folder comes after the checkout this process runs from.
    """
    root, here = checkout(), os.getcwd()
    first = [] if root is None else [str(root)]
    if "" in sys.path or here in sys.path:
        first.append(here)
    given = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([*first, given] if given else first)
    return {**os.environ, "PYTHONPATH": path} if path else dict(os.environ)


def end(groups: Collection[int], marks: Collection[str]) -> None:
    """Kill these process groups, and all processes with one of these marks, with descendants."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    _end_where(lambda environment: not wanted.isdisjoint(environment.split(b"\0")))


def end_engine(engine: str) -> None:
    """Kill every worker of an engine, and all that they have started."""
    start = f"{MARK}={engine}:".encode()
    _end_where(
        lambda environment: any(entry.startswith(start) for entry in environment.split(b"\0"))
    )


def resident_bytes(process: int) -> int:
    """The memory a process holds; 0 where that cannot be known."""
    try:
        pages = int((_PROC / str(process) / "statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _end_where(is_wanted: Callable[[bytes], bool]) -> None:
    # A fork may slip between looking and killing: look until nothing is left.
    for _ in range(20):
        found = _family(is_wanted)
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not found:
            return


def _family(is_wanted: Callable[[bytes], bool]) -> set[int]:
    parents: dict[int, int] = {}
    found: set[int] = set()
    for folder in _PROC.glob("[0-9]*"):
        process = int(folder.name)
        try:
            status = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            is_dead = status[0] in (b"Z", b"X")
            parents[process] = int(status[1])
            if not is_dead and is_wanted((folder / "environ").read_bytes()):
                found.add(process)
        except (OSError, IndexError):
            continue
    grown = found and {process for process in parents if _descends(process, parents, found)}
    return {process for process in grown or found if process != os.getpid()}


def _descends(process: int, parents: dict[int, int], found: set[int]) -> bool:
    for _ in range(len(parents)):
        if process in found:
            return True
        if process not in parents:
            return False
        process = parents[process]
    return False


def guard() -> None:
    """Wait until the controller is gone, then end its workers. Told the engine by argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        pass
    end_engine(sys.argv[1])


if __name__ == "__main__":
    guard()
