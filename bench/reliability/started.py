"""Workers that a script here has started: how many live, whoever else searches on the machine."""

import os
import uuid
from pathlib import Path

from nasdsl.search.engines.processes import MARK

#: Inherited by all that is started from here, so that other searches are not counted.
_OURS = "NASDSL_STARTED_BY"
_WORKER = f"{MARK}=".encode()
os.environ.setdefault(_OURS, uuid.uuid4().hex)


def living() -> int:
    """Living workers of this run of a script, with all that descends from them."""
    found, ours = 0, f"{_OURS}={os.environ[_OURS]}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            entries = (folder / "environ").read_bytes().split(b"\0")
            is_marked = ours in entries and any(entry.startswith(_WORKER) for entry in entries)
            is_dead = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
        except OSError:
            continue
        found += is_marked and not is_dead
    return found
