"""From settings to an engine and its slots.

It decides which engine runs, how many workers it has, and on which devices.
"""

import os
from collections.abc import Callable
from importlib import import_module

from nasdsl.errors import cell_error, install_hint, plural
from nasdsl.registry import Registry, require_packages
from nasdsl.search.engines.engine import Engine, Slot, WorkerSettings
from nasdsl.search.settings import SearchSettings

#: What libraries read to know how many threads to start.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


#: The installed engines.
ENGINES: Registry[Callable[[SearchSettings], Engine]] = Registry(
    kind="engine",
    group="nasdsl.engines",
    type=Callable,  # type: ignore[arg-type]
    unknown="NAS871",
    extra="ray",
    requirement="an engine is a callable that makes an engine from the settings of a search",
)


def engine_for(settings: SearchSettings) -> Engine:
    """The engine that the settings name, not started.

    Raises:
        CellError: NAS701 (a package is not installed), NAS869 (fewer GPUs than requested),
            NAS871 (no engine has this name, or it cannot be used).
    """
    return ENGINES.find(settings.engine)(settings)


def worker_settings(settings: SearchSettings) -> WorkerSettings:
    """The settings of each worker, on any engine."""
    return WorkerSettings(settings.evaluator, settings.heartbeat, settings.recycle, settings.memory)


def local_engine(settings: SearchSettings) -> Engine:
    """Processes of this machine.

    Raises:
        CellError: NAS701 (torch is not installed), NAS869 (fewer GPUs than requested).
    """
    from nasdsl.search.engines.local import LocalEngine

    return LocalEngine(slots(settings), worker_settings(settings))


def ray_engine(settings: SearchSettings) -> Engine:
    """Actors of a Ray cluster, reached from a process of its own.

    Raises:
        CellError: NAS701, ray is not installed.
    """
    require_packages("engine `ray` needs", ("ray",), "ray")
    from nasdsl.search.engines.ray import RayEngine
    from nasdsl.search.engines.subprocess_engine import SubprocessEngine

    return SubprocessEngine(
        RayEngine(
            settings.address,
            settings.size,
            worker_settings(settings),
            _environment(settings),
            1 / settings.per_gpu if settings.gpus else 0.0,
            settings.threads,
        )
    )


def slots(settings: SearchSettings) -> list[Slot]:
    """One slot a worker on the CPU, or `per_gpu` slots a GPU.

    Raises:
        CellError: NAS869 where this machine has fewer GPUs than requested.
    """
    environment = _environment(settings)
    if not settings.gpus:
        return [Slot(f"cpu{number}", environment) for number in range(settings.workers)]
    devices = _visible_devices(settings.gpus)
    return [
        Slot(f"gpu{device}.{share}", {**environment, "CUDA_VISIBLE_DEVICES": device})
        for share in range(settings.per_gpu)
        for device in devices
    ]


def _environment(settings: SearchSettings) -> dict[str, str]:
    return dict.fromkeys(_THREADS, str(settings.threads))


def _visible_devices(wanted: int) -> list[str]:
    try:
        count = import_module("torch").cuda.device_count()
    except ModuleNotFoundError:
        raise cell_error(
            "NAS701", "GPUs need `torch`, which is not installed", install_hint("search")
        ) from None
    if count < wanted:
        raise cell_error(
            "NAS869",
            f"{plural(wanted, 'GPU')} requested, but this machine has {count}",
            "leave out `--gpus` to train on the CPU",
            "`nasdsl doctor` shows the devices that torch sees",
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[:wanted] if visible else [str(number) for number in range(wanted)]
