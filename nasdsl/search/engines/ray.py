"""The engine of a cluster: Ray Core places the actors, each of which runs one worker.

An actor wraps a `LocalEngine` of one worker, so that all its protection against hangs and
orphans holds on every node; the worker's environment has what Ray gives the actor, GPUs
included. An actor that dies, with its node or alone, costs the lease it had; another one is
requested at once, and waits until the cluster has room. Ray itself retries nothing, because
that would evaluate without the search knowing.

When the cluster's head is lost, this process cannot continue; for that,
`nasdsl.search.engines.subprocess_engine` runs this engine in a process of its own.
"""

import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from nasdsl.errors import CellError, cell_error, first_line, install_hint
from nasdsl.search.engines.engine import Finished, Heartbeat, Lost, Notice, Slot, WorkerSettings
from nasdsl.search.engines.local import LocalEngine
from nasdsl.search.store import Lease


@dataclass(slots=True, eq=False)
class _Actor:
    """An actor, the call that it is answering, and the lease that it has."""

    name: str
    handle: Any
    call: Any = None
    free: bool = False
    lease: Lease | None = None


@dataclass(slots=True)
class RayEngine:
    """Workers on a Ray cluster.

    Attributes:
        address: of the cluster; `auto` for the one that this machine belongs to, `local` to
            start one for this search.
        size: workers requested.
        settings: of each worker.
        environment: variables for each worker's environment.
        gpu_share: part of a GPU for each worker; 0 for none.
        cpus: of each worker, as Ray counts them.
    """

    address: str
    size: int
    settings: WorkerSettings
    environment: Mapping[str, str] = field(default_factory=dict)
    gpu_share: float = 0.0
    cpus: int = 1
    _ray: Any = None
    _actors: list[_Actor] = field(default_factory=list)
    _started: int = 0

    def start(self) -> None:
        """Join the cluster and request the actors.

        Raises:
            CellError: NAS701 (ray is not installed), NAS869 (too few GPUs), NAS870.
        """
        self._ray = _import_ray()
        try:
            _require_listening(self.address)
            self._ray.init(
                address=self.address,
                namespace="nasdsl",
                log_to_driver=False,
                logging_level="ERROR",
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise _unreachable_error(self.address, error) from error
        self._require_gpus()
        for _ in range(self.size):
            self._start_actor()

    def free(self) -> int:
        """How many workers are ready and have no lease."""
        return sum(actor.free for actor in self._actors)

    def workers(self) -> int:
        """How many workers have been requested."""
        return len(self._actors)

    def submit(self, lease: Lease) -> str:
        """Hand the lease to a free worker; the worker's name."""
        actor = next(actor for actor in self._actors if actor.free)
        actor.lease, actor.free = lease, False
        # The answer is not awaited: if this call fails, so does the one that listens.
        actor.handle.submit.remote(lease)
        return actor.name

    def poll(self, timeout: float) -> list[Notice]:
        """Collect the answers of the actors."""
        calls = {actor.call: actor for actor in self._actors}
        done, rest = self._ray.wait(list(calls), num_returns=1, timeout=timeout)
        if done and rest:
            done += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        notices: list[Notice] = []
        for call in done:
            notices += self._read_answer(calls[call])
        return notices

    def cancel(self, key: str) -> None:
        """End the actor of this lease; its guard ends the worker and everything it started."""
        for actor in [actor for actor in self._actors if actor.lease and actor.lease.key == key]:
            self._replace_actor(actor)

    def close(self) -> None:
        """End all actors and leave the cluster."""
        if self._ray is None or not self._ray.is_initialized():
            return
        for actor in self._actors:
            self._ray.kill(actor.handle)
        self._actors = []
        self._ray.shutdown()

    # -- actors --------------------------------------------------------------------------

    def _start_actor(self) -> None:
        self._started += 1
        name = f"ray{self._started}"
        actor_class = self._ray.remote(ActorWorker).options(
            num_cpus=self.cpus,
            num_gpus=self.gpu_share,
            max_restarts=0,
            max_task_retries=0,
            # One call listens while another one submits.
            max_concurrency=2,
            scheduling_strategy="SPREAD",
        )
        actor = _Actor(name, actor_class.remote(Slot(name, self.environment), self.settings))
        self._actors.append(actor)
        self._listen(actor)

    def _listen(self, actor: _Actor) -> None:
        actor.call = actor.handle.listen.remote(self.settings.heartbeat / 3, actor.free)

    def _replace_actor(self, actor: _Actor) -> None:
        self._ray.kill(actor.handle)
        self._actors.remove(actor)
        self._start_actor()

    def _read_answer(self, actor: _Actor) -> list[Notice]:
        try:
            is_free, notices = self._ray.get(actor.call)
        except self._ray.exceptions.RayTaskError as error:
            raise _actor_error(error) from error
        except self._ray.exceptions.RayError as error:
            lease = actor.lease
            self._replace_actor(actor)
            return [Lost(lease.key, first_line(error, 300))] if lease else []
        if any(isinstance(one, Finished | Lost) for one in notices):
            actor.lease = None
        actor.free = is_free and actor.lease is None
        self._listen(actor)
        return [_with_name(one, actor.name) for one in notices]

    def _require_gpus(self) -> None:
        # GPUs may join later, but a cluster without any is most likely a mistake.
        if self.gpu_share and not self._ray.cluster_resources().get("GPU", 0):
            raise cell_error(
                "NAS869",
                f"GPUs were requested, but the cluster at {self.address} has none",
                "leave out `--gpus` to train on the CPU",
                "`ray status` shows what the cluster has",
            )


def _require_listening(address: str) -> None:
    """Raise OSError where nothing listens; Ray itself would try for minutes, and then abort."""
    host, has_port, port = address.rpartition(":")
    if has_port and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _import_ray() -> Any:
    try:
        return import_module("ray")
    except ModuleNotFoundError:
        raise cell_error(
            "NAS701",
            "engine `ray` needs `ray`, which is not installed",
            install_hint("ray"),
        ) from None


def _with_name(notice: Notice, name: str) -> Notice:
    return replace(notice, worker=name) if isinstance(notice, Finished) else notice


def _actor_error(error: Any) -> Exception:
    """What an actor raised: a diagnostic of its worker, or a bug of nasdsl."""
    cause: Exception = error.cause if isinstance(error.cause, CellError) else error
    return cause


def _unreachable_error(address: str, error: Exception) -> CellError:
    return cell_error(
        "NAS870",
        f"no Ray cluster can be reached at `{address}`: {first_line(error, 300)}",
        "`ray start --head` starts one; `--address local` starts one for this search",
    )


class ActorWorker:
    """One worker on a node of the cluster. `listen` and `submit` may run at the same time."""

    def __init__(self, slot: Slot, settings: WorkerSettings) -> None:
        self._engine = LocalEngine([slot], settings)
        self._lock = threading.Lock()
        self._engine.start()

    def submit(self, lease: Lease) -> None:
        """Hand the lease to the worker, which is free."""
        with self._lock:
            self._engine.submit(lease)

    def listen(self, seconds: float, was_free: bool) -> tuple[bool, list[Notice]]:
        """Whether the worker is free, and the new notices.

        Returns as soon as there is more than heartbeats, or after so many seconds, so that an
        idle cluster costs the search a few calls a minute and worker.
        """
        end = time.monotonic() + seconds
        notices: list[Notice] = []
        while True:
            with self._lock:
                notices += self._engine.poll(0.02)
                is_free = self._engine.free() > 0
            is_news = is_free != was_free or any(not isinstance(one, Heartbeat) for one in notices)
            if is_news or time.monotonic() >= end:
                return is_free, _without_repeats(notices)
            time.sleep(0.03)


def _without_repeats(notices: Sequence[Notice]) -> list[Notice]:
    """The notices, with one heartbeat without a value for each lease, which is enough."""
    silent = {one.key: one for one in notices if isinstance(one, Heartbeat) and one.value is None}
    rest = [one for one in notices if not (isinstance(one, Heartbeat) and one.value is None)]
    return [*silent.values(), *rest]
