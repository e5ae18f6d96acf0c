"""How a training runs on this machine, what must be installed, and what is recorded of both.

None of it changes what is computed; that is the recipe's and the seed's.
"""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Annotated, Any

from nasdsl import __version__
from nasdsl.errors import cell_error
from nasdsl.metadata import version_of
from nasdsl.registry import require_packages
from nasdsl.values import Values, require_fields


@dataclass(frozen=True, slots=True)
class Execution:
    """How a training runs; what it computes is decided by the recipe and the seed.

    Attributes:
        device: in PyTorch's notation; None for an accelerator if there is one.
        accumulation: parts into which each process divides its share of a batch, taken one
            after the other to save memory.
        compile: run the network through `torch.compile`.
        channels_last: keep images and weights in that memory format.
        workers: processes that load images; 0 loads them between the steps.
        cuda_graph: record the pass forward and backward as a CUDA graph, and replay it.
    """

    device: str | None = None
    accumulation: Annotated[int, Values(int, minimum=1, maximum=1_000_000)] = 1
    compile: bool = False
    channels_last: bool = False
    workers: Annotated[int, Values(int, minimum=0, maximum=4096)] = 0
    cuda_graph: bool = False

    def __post_init__(self) -> None:
        require_fields(self)


def is_first_process() -> bool:
    """Whether this is the process that writes, of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def leave_processes() -> None:
    """Part from the other processes of a run, as PyTorch wants it done at the end."""
    torch: Any = sys.modules.get("torch")
    # What ended before PyTorch was imported has not met them.
    group = torch and torch.distributed
    if group and group.is_available() and group.is_initialized():
        group.destroy_process_group()


_REQUIRED = ("torch", "torchvision", "accelerate", "safetensors", "filelock", "tomli_w")


def ensure_installed() -> None:
    """Check that every package a training needs is installed.

    Raises:
        CellError: NAS701, naming those that are missing.
    """
    require_packages("training needs", _REQUIRED, "train")


_PACKAGES = ("torch", "torchvision", "accelerate", "numpy", "scikit-learn")


def provenance() -> dict[str, Any]:
    """Versions, machine and git state of this process, as plain values; None for the unknown."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "nasdsl": __version__,
            "python": platform.python_version(),
            **{name: version_of(name) for name in _PACKAGES},
        },
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            **_torch_provenance(),
        },
        "git": git_state(),
    }


def git_state() -> dict[str, Any] | None:
    """The commit of the working folder, and whether it has changes; None outside a repository.

    Whether it has changes is None where git does not say it, or not in time.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    # What a submodule's files are is not looked at: its configuration would count, too.
    status = _git(*_no_filters(), "status", "--porcelain", "--ignore-submodules=dirty")
    return {"commit": commit, "changed": None if status is None else bool(status)}


#: A repository's own configuration names programs that git runs: a monitor of the file system,
#: hooks, filters, and those that fetch what is missing. Nothing of a repository is run.
_RUN_NOTHING = ("--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_FETCH_NOTHING = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
}


def _no_filters() -> list[str]:
    """Options that put nothing in place of every filter that is configured."""
    keys = _git("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$")
    words = []
    for key in (keys or "").split("\0"):
        if key:
            words += ["-c", f"{key}=", "-c", f"{key.rpartition('.')[0]}.required=false"]
    return words


def _git(*words: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", *_RUN_NOTHING, *words],
            env={**os.environ, **_FETCH_NOTHING},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # Names of files need not be of the encoding that this system has.
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()


def _torch_provenance() -> dict[str, Any]:
    import torch

    cuda = torch.cuda.is_available()
    return {
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if cuda else None,
    }


def require_precision(precision: str, device: str | None) -> None:
    """Refuse float16 where there is no GPU that computes with it.

    Args:
        precision: of the recipe.
        device: that was asked for; None is an accelerator where there is one.

    Raises:
        CellError: NAS707.
    """
    if precision != "fp16":
        return
    missing = _without_cuda(device)
    if missing:
        raise cell_error(
            "NAS707",
            f"precision fp16 needs a CUDA device, and {missing}",
            "`--precision bf16` works on every device",
        )


def require_recordable(device: str | None, parts: int) -> None:
    """Refuse to record the steps of a training where that cannot be done.

    Args:
        device: that was asked for; None is an accelerator where there is one.
        parts: of a batch, over processes and accumulation steps.

    Raises:
        CellError: NAS707.
    """
    missing = _without_cuda(device) or ("the batch is divided" if parts > 1 else "")
    if missing:
        raise cell_error(
            "NAS707",
            f"a CUDA graph records a whole batch on one CUDA device, and {missing}",
            "leave out `--cuda-graph`",
        )


def _without_cuda(device: str | None) -> str:
    """Why there is no CUDA device, in words; empty where there is one."""
    if device is not None and device.partition(":")[0] != "cuda":
        return f"the device is {device}"
    torch: Any = import_module("torch")
    return "" if torch.cuda.is_available() else "there is none"
