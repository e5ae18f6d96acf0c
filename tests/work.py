"""Work, counted: what a test bounds in place of seconds, which belong to the machine."""

import sys
from collections.abc import Callable
from time import process_time


def calls(work: Callable[[], object]) -> int:
    """How many function calls `work` makes, those into C included; no clock disturbs them."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def is_linear(work: Callable[[int], object], large: int, tries: int = 5) -> bool:
    """Whether sixteen times the size takes about sixteen times the processor time, not 256.

    For work inside of C, where no calls can be counted. Both sizes are measured in this process,
    one after the other, and the best pair counts, so that a disturbance has to last through all
    tries. What takes a few milliseconds is linear enough.
    """
    for _ in range(tries):
        part = max(_seconds(work, large // 16), 0.005)
        if _seconds(work, large) < 64 * part:
            return True
    return False


def _seconds(work: Callable[[int], object], size: int) -> float:
    start = process_time()
    work(size)
    return process_time() - start
