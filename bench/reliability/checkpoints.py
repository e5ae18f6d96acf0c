"""Kill processes inside the writing of checkpoints: the newest or the one before always loads.

    python -m bench.reliability.checkpoints --kills 500

A child writes one checkpoint after another and is killed with SIGKILL at a random moment. What is
left has to load, to hold what its step was saved with, and to be no older than the last one that
the child has acknowledged; then the next child goes on from there in the same folder. Exit status
1 if any of this is not so.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch

from nasdsl.train.checkpoint import Checkpoints, TrainingState

_NUMBERS = 200_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a series of kills has come to."""

    kills: int
    steps: int
    lost: int
    wrong: int
    leftovers: int

    @property
    def is_sound(self) -> bool:
        """Whether every kill left a checkpoint that loads, and the next one cleaned up."""
        return not (self.lost or self.wrong or self.leftovers)


def kill_often(folder: Path, kills: int, seed: int = 0) -> Found:
    """Kill so many writers, one after another."""
    checkpoints, random = Checkpoints(folder), Random(seed)
    checkpoints.save(1, _state(1))
    lost = wrong = 0
    step = 1
    for _ in range(kills):
        acknowledged = _life(checkpoints, step, random)
        loaded = checkpoints.newest()
        if loaded is None or loaded.state["step"] < acknowledged:
            lost += 1
            continue
        step = loaded.state["step"]
        wrong += not torch.equal(loaded.state["numbers"], _state(step)["numbers"])
    checkpoints.save(step + 1, _state(step + 1))
    leftovers = len(list(folder.glob(".*")))
    return Found(kills, step, lost, wrong, leftovers)


def _state(step: int) -> TrainingState:
    generator = torch.Generator().manual_seed(step)
    return {"numbers": torch.rand(_NUMBERS, generator=generator)}


def _life(checkpoints: Checkpoints, step: int, random: Random) -> int:
    """Let a child write until it is killed; the last step that it has acknowledged."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            while True:
                step += 1
                checkpoints.save(step, _state(step))
                os.write(tell, step.to_bytes(8, "big"))
        finally:
            os._exit(1)
    os.close(tell)
    with open(told, "rb") as stream:
        first = stream.read(8)  # it is at work
        time.sleep(random.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        data = first + stream.read()
    whole = len(data) // 8 * 8
    return int.from_bytes(data[whole - 8 : whole], "big") if whole else step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        found = kill_often(Path(name) / "checkpoints", given.kills)
    print(found)
    sys.exit(0 if found.is_sound else 1)


if __name__ == "__main__":
    main()
