"""Kill a training at random moments, resume it, and compare it with an undisturbed training.

    python -m bench.reliability.kill             # 20 kills, the table line of docs/training.md
    python -m bench.reliability.kill --kills 3   # what the tests run

Each process is killed with SIGKILL at a random moment: between steps, within one, while a
checkpoint is written (there is one after every step), while an epoch is evaluated, before the
first step. In the end the weights, the averages, the optimizer's state and the metrics have to be
equal, bit for bit. Exit code 0 where they are.

Processes are forked from one that has imported everything, so that what is killed is training and
not Python starting.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

# Imported before the processes fork, for each of them.
import nasdsl.cli.training
import nasdsl.train.run  # noqa: F401
from nasdsl.cli.run import exit_code
from nasdsl.train import Checkpoints

CELLS = """\
genotype tiny
ops nasnet
cell normal { b0 = (h[i], h[i-1], sep_conv_3x3, identity, add) }
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add) }
"""
QUICKLY = ("--quiet", "--no-tensorboard", "--save-minutes", "0")


def begin(cell: Path, out: Path, epochs: int) -> list[str]:
    """A training with everything that has a state: averages, dropped paths and features."""
    return [
        *("train", str(cell), "--N", "1", "--filters", "8", "--out", str(out), *QUICKLY),
        *("--drop-path", "0.3", "--dropout", "0.2", "--set", f"epochs={epochs}"),
        *("--set", "batch=128", "--set", "ema=0.9", "--set", "warmup=1"),
    ]


def forked(arguments: list[str]) -> int:
    """Run nasdsl in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os._exit(exit_code(arguments))
    return child


def finished(child: int) -> int:
    """The exit code of a process, waited for."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(child: int, seconds: float) -> bool:
    """Kill a process after a while; whether it was still running then."""
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return finished(child) == -signal.SIGKILL


def reached(run: Path, step: int, child: int) -> None:
    """Wait until there is a checkpoint of that step or a later one, or the process has ended."""
    wanted = f"step-{step:09}.pt"
    while not any(path.name >= wanted for path in Checkpoints(run / "checkpoints").paths()):
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)


def result(run: Path) -> dict[str, Any]:
    """What a run leaves, without what depends on the clock."""
    found = Checkpoints(run / "checkpoints").newest()
    assert found is not None
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"], line["images_per_second"], line["held_out"]["seconds"]
    state = {name: found.state[name] for name in ("step", "net", "optimizer", "average", "sums")}
    model = (run / "model.safetensors").read_bytes()
    return {"metrics": lines, "model": model, **state}


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=0, help="by default, one for each kill")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    epochs = options.epochs or max(options.kills, 3)
    with tempfile.TemporaryDirectory() as name:
        cell, whole, broken = (Path(name, each) for each in ("tiny.cell", "whole", "broken"))
        cell.write_text(CELLS)
        child = forked(begin(cell, whole, epochs))
        reached(whole, 1, child)
        start = time.perf_counter()
        assert finished(child) == 0
        last = result(whole)["step"]
        moment = (time.perf_counter() - start) / last
        # Kills are spread over the steps, each in the first half of its share of them, so that
        # the training cannot end before the last.
        share = last // options.kills
        child = forked(begin(cell, broken, epochs))
        steps: list[int] = []
        kills = 0
        again = ["train", "--resume", str(broken), *QUICKLY]
        for number in range(options.kills):
            # One in five is killed before it has taken a step; not the first, which would
            # leave no run to resume.
            if number % 5 != 4:
                reached(broken, number * share + chance.randint(1, max(1, share // 2)), child)
            if not killed(child, chance.uniform(0, moment)):
                break
            kills += 1
            found = Checkpoints(broken / "checkpoints").newest()
            steps.append(found.state["step"] if found else 0)
            child = forked(again)
        assert finished(child) == 0
        same = equal(result(whole), result(broken))
    print(f"killed {kills} times, after steps {', '.join(map(str, steps))}")
    print("equal bit for bit" if same else "DIFFERENT")
    return 0 if same and kills else 1


if __name__ == "__main__":
    sys.exit(main())
