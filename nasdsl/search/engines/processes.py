"""End processes together with everything they have started, so that none is left behind.

A worker carries a mark in its environment, which its children inherit through forks, new
sessions and double forks; every process with the mark, and every descendant of one, is killed.
Run as a program, this module is the guard that does so after the search itself was killed.
Where the system does not show the environments of processes, only the worker's process group
is ended.
"""

import os
import signal
import sys
from collections.abc import Callable, Collection
from contextlib import suppress

import psutil

from nasdsl.resources import checkout

#: The variable that marks a worker: `ENGINE:NUMBER`.
MARK = "NASDSL_WORKER"


def python(*words: str) -> list[str]:
    """A command that runs Python on the nasdsl of this process, given `python_environment`."""
    return [sys.executable, "-P", *words]


def python_environment() -> dict[str, str]:
    """The environment of this process, for a Python that is to find the same nasdsl.

    The working folder is left out, even where it is on this process's path: it would come before
    the standard library, and whatever is called `random.py` there would run. The evaluator
    `python:MODULE:FUNCTION` alone looks there, after everywhere else.
    """
    root = checkout()
    first = [] if root is None else [str(root)]
    given = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([*first, given] if given else first)
    return {**os.environ, "PYTHONPATH": path} if path else dict(os.environ)


def kill_workers(groups: Collection[int], marks: Collection[str]) -> None:
    """Kill these process groups, every process with one of these marks, and all descendants."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    wanted = frozenset(marks)
    _kill_marked(lambda mark: mark in wanted)


def kill_engine(engine: str) -> None:
    """Kill every worker of an engine, and everything that they have started."""
    _kill_marked(lambda mark: mark.startswith(f"{engine}:"))


def resident_bytes(process: int) -> int:
    """The memory that a process holds; 0 where that is unknown."""
    try:
        resident: int = psutil.Process(process).memory_info().rss
    except psutil.Error:
        return 0
    return resident


def _kill_marked(is_wanted: Callable[[str], bool]) -> None:
    # A fork may come between the search and the kill: repeat until nothing is left.
    for _ in range(20):
        found = _family(is_wanted)
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        if not found:
            return


def _family(is_wanted: Callable[[str], bool]) -> list[psutil.Process]:
    """The living processes whose mark is wanted, and their descendants, without this one."""
    processes = {
        process.pid: process
        for process in psutil.process_iter(["ppid", "status", "environ"])
        if process.info["status"] not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    }
    marked = {
        number
        for number, process in processes.items()
        if is_wanted((process.info["environ"] or {}).get(MARK, ""))
    }
    if not marked:
        return []
    return [
        process
        for number, process in processes.items()
        if number != os.getpid() and _descends(number, processes, marked)
    ]


def _descends(number: int, processes: dict[int, psutil.Process], marked: set[int]) -> bool:
    for _ in range(len(processes)):
        if number in marked:
            return True
        if number not in processes:
            return False
        number = processes[number].info["ppid"]
    return False


def guard() -> None:
    """Wait until the search has ended, then end its workers. The argument names the engine."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        pass
    kill_engine(sys.argv[1])


if __name__ == "__main__":
    guard()
