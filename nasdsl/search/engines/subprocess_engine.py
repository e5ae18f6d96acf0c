"""An engine in a process of its own, which may die or hang without harm to the controller.

Purpose: outlive the loss of a cluster's head, after which Ray ends or blocks the process that
uses it. Its leases are then lost, and the process is started again until it reaches a cluster.
Non-goals: knowing what engine it is.
"""

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from nasdsl.errors import CellError, cell_error
from nasdsl.search.engines import processes
from nasdsl.search.engines.engine import Beat, Engine, Gone, Notice
from nasdsl.search.store import Lease

#: Seconds between two reports of the process, and of silence after which it counts as hung.
_REPORT, _SILENCE = 0.5, 60.0
#: Seconds in which a lost cluster may come back, and between two attempts to reach it.
_PATIENCE, _PAUSE = 600.0, 5.0
#: Not `-m`: the classes that are sent have to be those of this module, not of `__main__`.
_PROGRAM = f"from {__name__} import main; main()"


@dataclass(frozen=True, slots=True)
class _Report:
    """What the process has to say; `seen` counts the leases it has been handed."""

    free: int
    workers: int
    seen: int
    notices: tuple[Notice, ...] = ()
    error: CellError | None = None


@dataclass(slots=True)
class SubprocessEngine:
    """Another engine, at arm's length; `engine` is one that has not been started."""

    engine: Engine
    _process: "subprocess.Popen[bytes] | None" = None
    _line: "Connection[Any, Any] | None" = None
    _leases: dict[str, Lease] = field(default_factory=dict)
    _sent: int = 0
    _last: _Report = _Report(0, 0, 0)
    _heard: float = 0.0
    _lost: float | None = None
    _next_try: float = 0.0

    def start(self) -> None:
        """Start the process; the first report says whether the engine has started.

        Raises:
            CellError: as the engine's `start`; NAS870 where the process says nothing.
        """
        self._spawn()
        while not self._last.workers:
            report = self._received(1.0)
            if report is not None and report.error is not None:
                raise report.error
            if self._is_down():
                raise cell_error(
                    "NAS870",
                    "the process that joins the cluster ended or hangs without a reason given",
                    "`ray status` says whether the cluster is sound",
                )

    def free(self) -> int:
        """What the engine said last, less what it has been handed since."""
        return max(0, self._last.free - (self._sent - self._last.seen)) if self._line else 0

    def workers(self) -> int:
        """What the engine said last; none while there is no process."""
        return self._last.workers if self._line else 0

    def submit(self, lease: Lease) -> str:
        """Hand the lease on."""
        self._leases[lease.key] = lease
        self._sent += 1
        self._say("submit", lease)
        return "apart"

    def poll(self, timeout: float) -> list[Notice]:
        """What the engine has told, or the loss of all leases where its process is gone."""
        if self._line is None:
            return self._try_again(timeout)
        report = self._received(timeout)
        if report is not None and report.error is not None:
            return self._down(report.error)
        if report is None:
            return self._down(None) if self._is_down() else []
        self._lost = None
        for notice in report.notices:
            if not isinstance(notice, Beat):
                key = notice.key if isinstance(notice, Gone) else notice.outcome.key
                self._leases.pop(key, None)
        return list(report.notices)

    def cancel(self, key: str) -> None:
        """Pass it on."""
        self._leases.pop(key, None)
        self._say("cancel", key)

    def close(self) -> None:
        """Let the process end by itself, and end it if it does not."""
        if self._process is None:
            return
        if self._line is not None:
            self._line.close()
            self._line = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._end()

    # -- the process ---------------------------------------------------------------------

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                processes.python("-c", _PROGRAM, str(theirs.fileno())),
                env=processes.python_environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._line = Connection(ours.detach())
        self._sent, self._last, self._heard = 0, _Report(0, 0, 0), time.monotonic()
        self._say("start", self.engine)

    def _say(self, word: str, value: object) -> None:
        if self._line is not None:
            # A process that has just died is found by the next poll.
            with contextlib.suppress(OSError):
                self._line.send((word, value))

    def _received(self, timeout: float) -> _Report | None:
        assert self._line is not None
        try:
            if not self._line.poll(timeout):
                return None
            report: _Report = self._line.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            self._heard = -_SILENCE
            return None
        self._last, self._heard = report, time.monotonic()
        return report

    def _is_down(self) -> bool:
        return time.monotonic() - self._heard > _SILENCE

    def _down(self, error: CellError | None) -> list[Notice]:
        """All leases are lost; another process will be tried, for a while."""
        now = time.monotonic()
        self._lost = self._lost or now
        if error is not None and (error.diagnostics[0].code != "NAS870" or self._is_over(now)):
            raise error
        self._end()
        self._next_try = now + _PAUSE
        reason = "the cluster was lost"
        notices: list[Notice] = [Gone(key, reason) for key in self._leases]
        self._leases.clear()
        return notices

    def _is_over(self, now: float) -> bool:
        return self._lost is not None and now - self._lost > _PATIENCE

    def _try_again(self, timeout: float) -> list[Notice]:
        time.sleep(timeout)
        if time.monotonic() >= self._next_try:
            self._spawn()
        return []

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _serve(line: "Connection[Any, Any]") -> None:
    """Run the engine that the other end names, until that end is closed."""
    _, engine = line.recv()
    seen = 0
    try:
        engine.start()
        told = 0.0
        while True:
            while line.poll(0):
                word, value = line.recv()
                getattr(engine, word)(value)
                seen += word == "submit"
            notices = tuple(engine.poll(0.1))
            if notices or time.monotonic() >= told + _REPORT:
                line.send(_Report(engine.free(), engine.workers(), seen, notices))
                told = time.monotonic()
    except CellError as error:
        line.send(_Report(0, 0, seen, error=error))
    except (EOFError, OSError):
        pass  # the controller is gone
    finally:
        engine.close()


def main() -> None:
    """The process: an engine behind the socket that the argument numbers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(Connection(int(sys.argv[1])))
