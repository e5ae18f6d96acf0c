"""What runs on a node of a cluster: an actor that keeps one worker process.

Purpose: put the local engine, with all that it does against hangs and orphans, behind calls
that cross the network. The worker's environment has what Ray gives the actor, GPUs included.
Non-goals: Ray itself; this module does not import it.
"""

import threading
import time
from collections.abc import Sequence

from nasdsl.search.engines.engine import Beat, Notice, Slot, WorkerSettings
from nasdsl.search.engines.local import LocalEngine
from nasdsl.search.store import Lease


class ActorWorker:
    """One worker, from afar. `listen` and `submit` may run at the same time."""

    def __init__(self, slot: Slot, settings: WorkerSettings) -> None:
        self._engine = LocalEngine([slot], settings)
        self._lock = threading.Lock()
        self._engine.start()

    def submit(self, lease: Lease) -> None:
        """Hand the lease to the worker, which is free."""
        with self._lock:
            self._engine.submit(lease)

    def listen(self, seconds: float, was_free: bool) -> tuple[bool, list[Notice]]:
        """Whether the worker is free, and what is new.

        Returns as soon as there is more than beats to tell, or after so many seconds; so that
        an idle cluster costs the controller a few calls a minute and worker.
        """
        end = time.monotonic() + seconds
        heard: list[Notice] = []
        while True:
            with self._lock:
                heard += self._engine.poll(0.02)
                is_free = self._engine.free() > 0
            is_news = is_free != was_free or any(not isinstance(one, Beat) for one in heard)
            if is_news or time.monotonic() >= end:
                return is_free, _last_beats(heard)
            time.sleep(0.03)


def _last_beats(heard: Sequence[Notice]) -> list[Notice]:
    """All but the beats that say nothing, of which one a lease is enough."""
    silent = {one.key: one for one in heard if isinstance(one, Beat) and one.value is None}
    rest = [one for one in heard if not (isinstance(one, Beat) and one.value is None)]
    return [*silent.values(), *rest]
