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
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

# Imported before the processes fork, for each of them.
from nasdsl import Settings, loads
from nasdsl.train import Checkpoints, RunFolder, begin_run, plan_run, recorded_plan, train_run

CELLS = """\
genotype tiny
ops nasnet
cell normal { b0 = (h[i], h[i-1], sep_conv_3x3, identity, add) }
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add) }
"""


def begin(out: Path, epochs: int) -> None:
    """A training with everything that has a state: averages, dropped paths and features."""
    plan = plan_run(
        loads(CELLS),
        changes=[f"epochs={epochs}", "batch=128", "ema=0.9", "warmup=1"],
        settings=Settings(N=1, filters=8, drop_path=0.3, dropout=0.2),
    )
    begin_run(out, plan)
    resume(out)


def resume(out: Path) -> None:
    """Train until the end, with a checkpoint after every step."""
    folder = RunFolder(out)
    train_run(folder, recorded_plan(folder), save_seconds=0, tensorboard=False)


def forked(work: Callable[[], None]) -> int:
    """Do the work in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def finished(child: int) -> int:
    """The exit code of a process, waited for."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def end_of(child: int, seconds: float) -> int:
    """The exit code of a process that is killed after a while, if it is still running then."""
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return finished(child)


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
        whole, broken = Path(name, "whole"), Path(name, "broken")
        child = forked(partial(begin, whole, epochs))
        reached(whole, 1, child)
        start = time.perf_counter()
        assert finished(child) == 0
        last = result(whole)["step"]
        moment = (time.perf_counter() - start) / last
        # Kills are spread over the steps, each in the first half of its share of them, so that
        # the training cannot end before the last.
        share = last // options.kills
        child = forked(partial(begin, broken, epochs))
        steps: list[int] = []
        kills = 0
        for number in range(options.kills):
            # One in five is killed before it has taken a step; not the first, which would
            # leave no run to resume.
            if number % 5 != 4:
                reached(broken, number * share + chance.randint(1, max(1, share // 2)), child)
            code = end_of(child, chance.uniform(0, moment))
            if code != -signal.SIGKILL:
                break
            kills += 1
            found = Checkpoints(broken / "checkpoints").newest()
            steps.append(found.state["step"] if found else 0)
            child = forked(partial(resume, broken))
        else:
            code = finished(child)
        assert code == 0
        same = equal(result(whole), result(broken))
    print(f"killed {kills} times, after steps {', '.join(map(str, steps))}")
    print("equal bit for bit" if same else "DIFFERENT")
    return 0 if same and kills else 1


if __name__ == "__main__":
    sys.exit(main())
