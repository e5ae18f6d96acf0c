"""Work, counted: what a test bounds in place of seconds, which belong to the machine."""

import gc
from collections.abc import Callable
from cProfile import Profile
from time import process_time


def calls(work: Callable[[], object]) -> int:
    """How many function calls `work` makes, those into C included; no clock disturbs them."""
    profile = Profile(subcalls=False)
    profile.runcall(work)
    return sum(entry.callcount for entry in profile.getstats())


def is_linear(work: Callable[[int], object], large: int, tries: int = 5) -> bool:
    """Whether sixteen times the size takes about sixteen times the processor time, not 256.

    For work inside of C, where no calls can be counted. Both sizes are measured in this process,
    one after the other, and the best pair counts, so that a disturbance has to last through all
    tries. What takes a few milliseconds is linear enough.
    """
    for _ in range(tries):
        part = max(seconds(lambda: work(large // 16)), 0.005)
        if seconds(lambda: work(large)) < 64 * part:
            return True
    return False


def seconds(work: Callable[[], object]) -> float:
    """The processor time of `work`, without collections of garbage.

    They look at whatever other tests of the process have left, which may take seconds; so nothing
    is collected before, either.
    """
    gc.disable()
    try:
        start = process_time()
        work()
        return process_time() - start
    finally:
        gc.enable()
