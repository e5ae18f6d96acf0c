"""The engine of one machine: long-lived worker processes, one a slot.

Workers are started, given leases and read; those that crashed, ran out of memory, were cancelled
or have evaluated enough trials are replaced. Everything a worker has started ends with it, and
everything ends with the search, even one that is killed (`processes.guard`).
"""

import fcntl
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from nasdsl.errors import CellError, cell_error
from nasdsl.search.engines import processes
from nasdsl.search.engines.engine import Finished, Heartbeat, Lost, Notice, Slot, WorkerSettings
from nasdsl.search.store import Lease, Outcome

#: Workers that may end in a row before they were ready.
_MAX_FALSE_STARTS = 3

#: Bytes of what an evaluation prints that are kept.
_MAX_PRINTED = 20_000

_WORKER = "nasdsl.search.engines.worker"


@dataclass(slots=True, eq=False)
class _Worker:
    slot: Slot
    mark: str
    process: "subprocess.Popen[bytes]"
    log: IO[bytes]
    ready: bool = False
    lease: Lease | None = None
    done: int = 0
    unread: bytearray = field(default_factory=bytearray)

    @property
    def free(self) -> bool:
        return self.ready and self.lease is None


class LocalEngine:
    """Workers on this machine, as an `Engine`."""

    def __init__(self, slots: Sequence[Slot], settings: WorkerSettings) -> None:
        self.settings = settings
        self._slots = tuple(slots)
        self._name = uuid.uuid4().hex
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._guard: subprocess.Popen[bytes] | None = None
        self._started = 0
        self._false_starts = 0
        self._memory_checked = time.monotonic()

    def start(self) -> None:
        """Start the guard, and one worker for each slot."""
        guard = processes.python("-m", processes.__name__, self._name)
        self._guard = subprocess.Popen(
            guard,
            stdin=subprocess.PIPE,
            env=processes.python_environment(),
            start_new_session=True,
        )
        for slot in self._slots:
            self._start_worker(slot)

    def free(self) -> int:
        """How many workers are ready and have no lease."""
        return sum(worker.free for worker in self._workers)

    def workers(self) -> int:
        """How many workers there are, including those that are starting."""
        return len(self._workers)

    def submit(self, lease: Lease) -> str:
        """Hand the lease to a free worker; the name of the worker's slot."""
        worker = next(worker for worker in self._workers if worker.free)
        worker.lease = lease
        order: dict[str, Any] = {"key": lease.key, "text": lease.text, "seed": lease.seed}
        if lease.epochs is not None:
            part = {"epochs": lease.epochs, "folder": lease.folder, "is_last": lease.is_last}
            order["part"] = part
        if lease.family is not None:
            order["family"] = asdict(lease.family)
        # What the worker has printed about earlier trials is no longer needed.
        os.ftruncate(worker.log.fileno(), 0)
        stdin = worker.process.stdin
        assert stdin is not None
        # If the worker has just died, the pipe is broken; the next poll notices that.
        with suppress(BrokenPipeError):
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()
        return worker.slot.name

    def poll(self, timeout: float) -> list[Notice]:
        """Read what the workers have sent, and replace those that have died."""
        # A worker that dies sends nothing: look often enough to notice it soon.
        ready = self._selector.select(min(timeout, 0.2))
        notices: list[Notice] = []
        to_recycle = []
        for key, _ in ready:
            worker: _Worker = key.data
            notices += self._read_notices(worker)
            if worker.done >= self.settings.recycle and worker.free:
                to_recycle.append(worker)
        dead = [worker for worker in self._workers if worker.process.poll() is not None]
        for worker in dead:
            notices += self._read_notices(worker)
        for worker in dead:
            if worker.lease is not None:
                lost = Lost(worker.lease.key, _exit_reason(worker), _printed(worker))
                notices.append(lost)
            elif not worker.ready:
                self._note_false_start(_start_error(worker))
        too_large = [worker for worker in self._over_memory_limit() if worker not in dead]
        for worker in too_large:
            if worker.lease is not None:
                reason = f"used more than {self.settings.memory} bytes of memory"
                notices.append(Lost(worker.lease.key, reason))
            elif not worker.ready:
                self._note_false_start(_memory_error(self.settings.memory or 0))
        # One that has evaluated enough may have died or grown too large as well.
        self._replace(list(dict.fromkeys([*dead, *to_recycle, *too_large])))
        return notices

    def _note_false_start(self, error: CellError) -> None:
        """Give up where one worker after another ends before it was ready."""
        self._false_starts += 1
        if self._false_starts >= _MAX_FALSE_STARTS:
            raise error

    def processes(self) -> dict[str, int]:
        """The process number of the worker of each lease, by the lease's key."""
        return {w.lease.key: w.process.pid for w in self._workers if w.lease is not None}

    def cancel(self, key: str) -> None:
        """End the worker of this lease, and start another one in its place."""
        self._replace([w for w in self._workers if w.lease is not None and w.lease.key == key])

    def close(self) -> None:
        """End everything."""
        self._stop_workers(self._workers)
        self._workers = []
        processes.kill_engine(self._name)
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
        self._selector.close()

    # -- workers -------------------------------------------------------------------------

    def _start_worker(self, slot: Slot) -> None:
        self._started += 1
        mark = f"{self._name}:{self._started}"
        log = tempfile.TemporaryFile("ab+", buffering=0)  # noqa: SIM115 (as long as the worker)
        # The worker appends, so that what it prints after the file was emptied is at its start.
        flags = fcntl.fcntl(log.fileno(), fcntl.F_GETFL)
        fcntl.fcntl(log.fileno(), fcntl.F_SETFL, flags | os.O_APPEND)
        beats = str(self.settings.heartbeat / 4)
        process = subprocess.Popen(
            processes.python("-m", _WORKER, self.settings.evaluator, beats),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**processes.python_environment(), **slot.environment, processes.MARK: mark},
            # A session of its own: its group can be killed, and Ctrl-C passes it by.
            start_new_session=True,
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        worker = _Worker(slot, mark, process, log)
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)
        self._workers.append(worker)

    def _replace(self, gone: Sequence[_Worker]) -> None:
        if not gone:
            return
        self._stop_workers(gone)
        self._workers = [worker for worker in self._workers if worker not in gone]
        for worker in gone:
            self._start_worker(worker.slot)

    def _stop_workers(self, gone: Sequence[_Worker]) -> None:
        processes.kill_workers([w.process.pid for w in gone], [w.mark for w in gone])
        for worker in gone:
            stdin, stdout = worker.process.stdin, worker.process.stdout
            assert stdin is not None
            assert stdout is not None
            self._selector.unregister(stdout)
            worker.process.wait()
            stdout.close()
            worker.log.close()
            with suppress(BrokenPipeError):
                stdin.close()

    def _over_memory_limit(self) -> list[_Worker]:
        now = time.monotonic()
        if self.settings.memory is None or now < self._memory_checked + 1:
            return []
        self._memory_checked = now
        limit = self.settings.memory
        return [w for w in self._workers if processes.resident_bytes(w.process.pid) > limit]

    # -- messages ------------------------------------------------------------------------

    def _read_notices(self, worker: _Worker) -> list[Notice]:
        stdout = worker.process.stdout
        assert stdout is not None
        while piece := stdout.read(1 << 16):
            worker.unread += piece
        *lines, rest = bytes(worker.unread).split(b"\n")
        worker.unread = bytearray(rest)
        notices = [self._notice(worker, json.loads(line)) for line in lines]
        return [notice for notice in notices if notice is not None]

    def _notice(self, worker: _Worker, message: dict[str, Any]) -> Notice | None:
        kind = message.pop("kind")
        if kind == "ready":
            worker.ready = True
            self._false_starts = 0
        elif kind == "unable":
            raise cell_error(message["code"], message["message"], *message["hints"])
        elif worker.lease is None:
            return None
        elif kind == "beat":
            return Heartbeat(worker.lease.key, message.get("value"))
        else:
            return self._finished(worker, worker.lease, message)
        return None

    def _finished(self, worker: _Worker, lease: Lease, message: dict[str, Any]) -> Notice:
        worker.lease = None
        worker.done += 1
        key = message.pop("key")
        if "lost" in message:
            # A worker that ran out of memory is replaced before the next trial.
            worker.done = self.settings.recycle
            return Lost(key, message["lost"], _printed(worker))
        curve = tuple(message.pop("curve", ()))
        outcome = Outcome(key, lease.trial, curve=curve, **message)
        return Finished(outcome, worker.slot.name, _printed(worker))


def _exit_reason(worker: _Worker) -> str:
    code = worker.process.returncode
    if code >= 0:
        return f"the worker exited with code {code}: {_last_log_line(worker)}"
    # Signals of real time have no names, except for the first and the last.
    known = {int(each): each.name for each in signal.Signals}
    name = known.get(-code, f"signal {-code}")
    often = ", as happens when the system runs out of memory" if name == "SIGKILL" else ""
    return f"the worker was killed by {name}{often}"


def _printed(worker: _Worker) -> str:
    """The end of what the worker has printed since it was given its lease."""
    size = worker.log.seek(0, os.SEEK_END)
    worker.log.seek(max(0, size - _MAX_PRINTED))
    return worker.log.read().decode(errors="replace").strip()


def _last_log_line(worker: _Worker) -> str:
    lines = _printed(worker).splitlines()
    return lines[-1][:300] if lines else "it printed nothing"


def _memory_error(most: int) -> CellError:
    return cell_error(
        "NAS869",
        f"workers use more than {most:,} bytes of memory before they are ready",
        "`--memory` gives each worker more, in gigabytes",
    )


def _start_error(worker: _Worker) -> CellError:
    return cell_error(
        "NAS869",
        f"workers end before they are ready; one printed last: {_last_log_line(worker)}",
        "the evaluator must import and initialise without ending the process",
    )
