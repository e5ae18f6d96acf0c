"""Memory that is free goes back to the system."""

import ctypes
import subprocess
import sys

import pytest

from tests.clones import ROOT

#: 200 MB in pieces that glibc takes from its heap, held down by one more at its end.
HELD = """
from pathlib import Path
from nasdsl.memory import return_freed

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

pieces = [bytearray(b"x" * 100_000) for _ in range(2000)]
last = bytearray(b"x" * 100_000)
del pieces
before = resident()
return_freed()
print(before - resident())
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="only glibc keeps memory that it can be asked for",
)
def test_free_memory_is_returned() -> None:
    """Most of 200 MB, which the process would have kept."""
    ran = subprocess.run(
        [sys.executable, "-c", HELD], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) > 100_000_000
