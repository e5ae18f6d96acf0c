"""Ctrl-C and SIGTERM: finish the step, save, stop.

Purpose: turn the first signal into a request that the training loop sees between two steps,
so what it saves is the state after a whole step; the second signal interrupts at once.
Non-goals: saving (`nasdsl.train.loop`), exit codes (the command line).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: SIGTERM is what a cluster sends some time before it takes a machine away.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Whether to stop after the present step."""
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Catch the signals while the block runs; outside the main thread none are caught."""
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, asked._handle)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
