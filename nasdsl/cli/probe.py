"""What only importing shows, found out in a process of its own.

Purpose: the devices that PyTorch sees, and which plugins of other packages cannot be imported.
`nasdsl doctor` runs this as a program, because PyTorch takes seconds to import, and a package that
is broken may take its process with it.
Non-goals: versions, which the metadata have.
"""

import json
import subprocess
from importlib import import_module
from typing import Any, NamedTuple

from nasdsl.errors import plural
from nasdsl.metadata import NAME, plugin_entry_points
from nasdsl.search.engines.processes import python, python_environment

_SECONDS = 120


class Probe(NamedTuple):
    """What was found.

    Attributes:
        devices: what PyTorch sees, or why it cannot be imported; None where it is not there.
        broken: plugins of other packages that cannot be imported, and why.
    """

    devices: str | None
    broken: dict[str, str]


def probe() -> Probe:
    """What importing shows."""
    try:
        ran = subprocess.run(
            python("-m", __name__),
            capture_output=True,
            text=True,
            env=python_environment(),
            timeout=_SECONDS,
            check=False,
        )
        last = ran.stdout.splitlines()[-1] if ran.stdout else ""
        return Probe(**json.loads(last))
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError):
        return Probe("unknown: the process that imports PyTorch and the plugins failed", {})


def main() -> None:
    """Print what importing shows as JSON, on the last line of standard output."""
    print()
    print(json.dumps({"devices": _devices(), "broken": _import_errors()}))


def _devices() -> str | None:
    try:
        torch: Any = import_module("torch")
    except ModuleNotFoundError:
        return None
    except Exception as error:
        return f"PyTorch cannot be imported: {error}"
    threads = torch.get_num_threads()
    found = [f"CPU ({plural(threads, 'thread')})"]
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found += [f"CUDA {number} ({torch.cuda.get_device_name(number)})" for number in range(count)]
    found += ["MPS"] if torch.backends.mps.is_available() else []
    absent = [name for name, there in (("CUDA", count), ("MPS", "MPS" in found)) if not there]
    return ", ".join(found) + (f"; no {' and no '.join(absent)}" if absent else "")


def _import_errors() -> dict[str, str]:
    reasons = {}
    for entry in plugin_entry_points():
        if entry.dist is not None and entry.dist.name == NAME:
            continue
        try:
            entry.load()
        except Exception as error:
            reasons[f"{entry.group}:{entry.name}"] = str(error) or type(error).__name__
    return reasons


if __name__ == "__main__":
    main()
