"""What a program prints in processes of different hash seeds."""

import os
import subprocess
import sys


def printed_under_hash_seeds(program: str) -> set[str]:
    """The outputs of a program under three PYTHONHASHSEEDs; one where the seed does not show."""
    path = os.pathsep.join(sys.path)
    return {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1", "31337")
    }
