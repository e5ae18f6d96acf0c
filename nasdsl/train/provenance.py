"""Under which circumstances a run was made: versions, the machine, git's state.

Purpose: what a reader needs to judge whether a run that differs should.
Non-goals: enforcing any of it.
"""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from nasdsl import __version__

_PACKAGES = ("torch", "torchvision", "accelerate", "numpy", "scikit-learn")


def provenance() -> dict[str, Any]:
    """Plain values by name; what cannot be found out is None."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "nasdsl": __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            **_torch_provenance(),
        },
        "git": git_state(),
    }


def git_state() -> dict[str, Any] | None:
    """The commit of the working folder and whether it has changes; None outside of one."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(_git("status", "--porcelain"))}


def _git(*words: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", *words], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch_provenance() -> dict[str, Any]:
    import torch

    cuda = torch.cuda.is_available()
    return {
        "threads": torch.get_num_threads(),
        "accelerator": torch.cuda.get_device_name() if cuda else None,
    }
