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
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from nasdsl.errors import CellError, cell_error, install_hint
from nasdsl.search.engines.engine import Beat, Finished, Gone, Notice, Slot, WorkerSettings
from nasdsl.search.engines.local import LocalEngine
from nasdsl.search.store import Lease


@dataclass(slots=True, eq=False)
class _Place:
    """An actor, the call it is busy with, and the lease it has."""

    name: str
    actor: Any
    call: Any = None
    free: bool = False
    lease: Lease | None = None


@dataclass(slots=True)
class RayEngine:
    """Workers on a Ray cluster.

    Attributes:
        address: of the cluster; `auto` for the one this machine belongs to, `local` to start
            one for this search.
        size: workers asked for.
        settings: of each worker.
        environment: what each worker's environment adds.
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
    _places: list[_Place] = field(default_factory=list)
    _started: int = 0

    def start(self) -> None:
        """Join the cluster and ask for the actors.

        Raises:
            CellError: NAS701 (ray is not installed), NAS869 (too few GPUs), NAS870.
        """
        self._ray = _imported()
        try:
            _knock(self.address)
            self._ray.init(
                address=self.address,
                namespace="nasdsl",
                log_to_driver=False,
                logging_level="ERROR",
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise _unreachable(self.address, error) from error
        self._refuse_few_gpus()
        for _ in range(self.size):
            self._ask()

    def free(self) -> int:
        """Workers that are ready and have no lease."""
        return sum(place.free for place in self._places)

    def workers(self) -> int:
        """Workers that have been asked for."""
        return len(self._places)

    def submit(self, lease: Lease) -> str:
        """Hand the lease to a free worker."""
        place = next(place for place in self._places if place.free)
        place.lease, place.free = lease, False
        # Nobody waits for the answer: if the call fails, so does the one that listens.
        place.actor.submit.remote(lease)
        return place.name

    def poll(self, timeout: float) -> list[Notice]:
        """Collect what the actors have to tell."""
        calls = {place.call: place for place in self._places}
        told, rest = self._ray.wait(list(calls), num_returns=1, timeout=timeout)
        if told and rest:
            told += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        notices: list[Notice] = []
        for call in told:
            notices += self._told(calls[call])
        return notices

    def cancel(self, key: str) -> None:
        """End the actor of this lease; its guard ends the worker and all that it started."""
        for place in [place for place in self._places if place.lease and place.lease.key == key]:
            self._give_up(place)

    def close(self) -> None:
        """End all actors and leave the cluster."""
        if self._ray is None or not self._ray.is_initialized():
            return
        for place in self._places:
            self._ray.kill(place.actor)
        self._places = []
        self._ray.shutdown()

    # -- actors --------------------------------------------------------------------------

    def _ask(self) -> None:
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
        place = _Place(name, actor_class.remote(Slot(name, self.environment), self.settings))
        self._places.append(place)
        self._listen(place)

    def _listen(self, place: _Place) -> None:
        place.call = place.actor.listen.remote(self.settings.heartbeat / 3, place.free)

    def _give_up(self, place: _Place) -> None:
        self._ray.kill(place.actor)
        self._places.remove(place)
        self._ask()

    def _told(self, place: _Place) -> list[Notice]:
        try:
            is_free, notices = self._ray.get(place.call)
        except self._ray.exceptions.RayTaskError as error:
            raise _of_keeper(error) from error
        except self._ray.exceptions.RayError as error:
            lease = place.lease
            self._give_up(place)
            return [Gone(lease.key, _words(error))] if lease else []
        if any(isinstance(one, Finished | Gone) for one in notices):
            place.lease = None
        place.free = is_free and place.lease is None
        self._listen(place)
        return [_named(one, place.name) for one in notices]

    def _refuse_few_gpus(self) -> None:
        # More may join later; a cluster without any is most likely a mistake.
        if self.gpu_share and not self._ray.cluster_resources().get("GPU", 0):
            raise cell_error(
                "NAS869",
                f"GPUs are asked for, and the cluster at {self.address} has none",
                "leave out `--gpus` to train on the CPU",
                "`ray status` says what the cluster has",
            )


def _knock(address: str) -> None:
    """Raise OSError where nobody listens; Ray itself would try for minutes, and then abort."""
    host, has_port, port = address.rpartition(":")
    if has_port and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10).close()


def _imported() -> Any:
    try:
        return import_module("ray")
    except ModuleNotFoundError:
        raise cell_error(
            "NAS701",
            "engine `ray` needs `ray`, which is not installed",
            install_hint("ray"),
        ) from None


def _named(notice: Notice, name: str) -> Notice:
    return Finished(notice.outcome, name) if isinstance(notice, Finished) else notice


def _of_keeper(error: Any) -> Exception:
    """What a keeper raised: a diagnostic of its worker, or a mistake of nasdsl."""
    cause: Exception = error.cause if isinstance(error.cause, CellError) else error
    return cause


def _unreachable(address: str, error: Exception) -> CellError:
    return cell_error(
        "NAS870",
        f"no Ray cluster can be reached at `{address}`: {_words(error)}",
        "`ray start --head` starts one; `--address local` starts one for this search",
    )


def _words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


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
