"""Waiting for what has to happen, with a deadline that only a hang can meet."""

import time
from collections.abc import Callable

#: Seconds; everything that is waited for takes a small part of it on the slowest machine.
PATIENCE = 1800.0


def becomes_true(condition: Callable[[], bool]) -> bool:
    """Whether `condition` holds at last; it is asked until then, or until patience ends."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
