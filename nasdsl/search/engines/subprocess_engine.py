"""An engine in a process of its own, which may die or hang without harm to the search.

When a cluster's head is lost, Ray ends or blocks the process that uses it. The leases of that
process are lost then, and it is started again until it reaches a cluster. Any engine can be run
in this way.
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
from nasdsl.search.engines.engine import Engine, Heartbeat, Lost, Notice
from nasdsl.search.store import Lease

#: Seconds between two messages of the process, and of silence after which it counts as hung.
_STATUS_SECONDS, _MAX_SILENCE = 0.5, 60.0
#: Seconds in which a lost cluster may come back, and between two attempts to reach it.
_MAX_OUTAGE, _RETRY_SECONDS = 600.0, 5.0
#: Not `-m`: the classes that are sent have to be those of this module, not of `__main__`.
_PROGRAM = f"from {__name__} import main; main()"


@dataclass(frozen=True, slots=True)
class _Status:
    """A message of the process; `received` counts the leases that it has been handed."""

    free: int
    workers: int
    received: int
    notices: tuple[Notice, ...] = ()
    error: CellError | None = None


@dataclass(slots=True)
class SubprocessEngine:
    """Runs `engine`, which has not been started, in another process."""

    engine: Engine
    _process: "subprocess.Popen[bytes] | None" = None
    _connection: "Connection[Any, Any] | None" = None
    _leases: dict[str, Lease] = field(default_factory=dict)
    _sent: int = 0
    _last: _Status = _Status(0, 0, 0)
    _heard: float = 0.0
    _lost_since: float | None = None
    _next_try: float = 0.0

    def start(self) -> None:
        """Start the process; its first message says whether the engine has started.

        Raises:
            CellError: as the engine's `start`; NAS870 where the process sends nothing.
        """
        self._spawn()
        while not self._last.workers:
            status = self._receive(1.0)
            if status is not None and status.error is not None:
                raise status.error
            if self._is_down():
                raise _silence_error()

    def free(self) -> int:
        """As the engine reported last, less what it has been handed since."""
        return (
            max(0, self._last.free - (self._sent - self._last.received)) if self._connection else 0
        )

    def workers(self) -> int:
        """As the engine reported last; 0 while there is no process."""
        return self._last.workers if self._connection else 0

    def submit(self, lease: Lease) -> str:
        """Send the lease to the process."""
        self._leases[lease.key] = lease
        self._sent += 1
        self._send("submit", lease)
        return "subprocess"

    def poll(self, timeout: float) -> list[Notice]:
        """The engine's notices, or the loss of all leases where its process has ended."""
        if self._connection is None:
            return self._restart_when_due(timeout)
        status = self._receive(timeout)
        if status is not None and status.error is not None:
            return self._lose_all(status.error)
        if status is None:
            return self._lose_all(None) if self._is_down() else []
        self._lost_since = None
        for notice in status.notices:
            if not isinstance(notice, Heartbeat):
                key = notice.key if isinstance(notice, Lost) else notice.outcome.key
                self._leases.pop(key, None)
        return list(status.notices)

    def cancel(self, key: str) -> None:
        """Send the request to the process."""
        self._leases.pop(key, None)
        self._send("cancel", key)

    def close(self) -> None:
        """Ask the process to end, and kill it if it does not."""
        if self._process is None:
            return
        if self._connection is not None:
            self._connection.close()
            self._connection = None
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
        self._connection = Connection(ours.detach())
        self._sent, self._last, self._heard = 0, _Status(0, 0, 0), time.monotonic()
        self._send("start", self.engine)

    def _send(self, word: str, value: object) -> None:
        if self._connection is not None:
            # If the process has just died, the next poll notices that.
            with contextlib.suppress(OSError):
                self._connection.send((word, value))

    def _receive(self, timeout: float) -> _Status | None:
        assert self._connection is not None
        try:
            if not self._connection.poll(timeout):
                return None
            status: _Status = self._connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            self._heard = -_MAX_SILENCE
            return None
        self._last, self._heard = status, time.monotonic()
        return status

    def _is_down(self) -> bool:
        return time.monotonic() - self._heard > _MAX_SILENCE

    def _lose_all(self, error: CellError | None) -> list[Notice]:
        """Give up all leases; another process will be tried for a while."""
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        if error is not None and error.diagnostics[0].code != "NAS870":
            raise error
        if self._is_outage_too_long(now):
            raise error or _silence_error()
        self._end()
        self._next_try = now + _RETRY_SECONDS
        reason = "the cluster was lost"
        notices: list[Notice] = [Lost(key, reason) for key in self._leases]
        self._leases.clear()
        return notices

    def _is_outage_too_long(self, now: float) -> bool:
        return self._lost_since is not None and now - self._lost_since > _MAX_OUTAGE

    def _restart_when_due(self, timeout: float) -> list[Notice]:
        time.sleep(timeout)
        if time.monotonic() >= self._next_try:
            self._spawn()
        return []

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _silence_error() -> CellError:
    return cell_error(
        "NAS870",
        "the process that joins the cluster ended or hangs without giving a reason",
        "`ray status` shows the state of the cluster",
    )


def _serve(connection: "Connection[Any, Any]") -> None:
    """Run the engine that the other end sends, until that end is closed."""
    _, engine = connection.recv()
    received = 0
    try:
        engine.start()
        sent = 0.0
        while True:
            while connection.poll(0):
                word, value = connection.recv()
                getattr(engine, word)(value)
                received += word == "submit"
            notices = tuple(engine.poll(0.1))
            if notices or time.monotonic() >= sent + _STATUS_SECONDS:
                connection.send(_Status(engine.free(), engine.workers(), received, notices))
                sent = time.monotonic()
    except CellError as error:
        connection.send(_Status(0, 0, received, error=error))
    except (EOFError, OSError):
        pass  # the search has ended
    finally:
        engine.close()


def main() -> None:
    """The process: an engine behind the socket whose number is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(Connection(int(sys.argv[1])))
