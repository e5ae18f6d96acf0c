"""Compare building, running and training NASNet-A large with timm, on the same weights and input.

    python -m bench.compile                      # CPU
    python -m bench.compile --device cuda
    python -m bench.compile --compile            # torch.compile too, minutes on a CPU

Prints the table of `docs/benchmarks.md`. timm and nasdsl take turns within each round, so that
other work on the machine affects both alike. A figure is the best of all rounds, and a ratio is
nasdsl's figure divided by timm's. With one thread on a CPU, processor time is measured, which other
work hardly affects. Peak memory is that of a process which does nothing else.
"""

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from nasdsl_backends.torch import Network
from torch import nn
from torch.nn.functional import cross_entropy

import nasdsl
from nasdsl import weights

SIZE = 331
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Row(NamedTuple):
    """A line of the table: both figures, in a unit, and what was promised of the ratio."""

    what: str
    unit: str
    timm: float
    nasdsl: float
    promised: str = "at most 1.0"

    def __str__(self) -> str:
        ratio = self.nasdsl / self.timm
        form = ",.0f" if self.unit == "MB" else ",.3g"
        figures = f"{self.timm:{form}} {self.unit} | {self.nasdsl:{form}} {self.unit}"
        return f"| {self.what} | {figures} | {ratio:.2f} | {self.promised} |"


# -- networks ---------------------------------------------------------------------------


def theirs() -> nn.Module:
    return timm.create_model("nasnetalarge", num_classes=1000)


def ours(device: str = "cpu") -> Network:
    # timm drops nothing, and batch norms of both have the same momentum.
    return nasdsl.compile(
        "nasnet_a_large",
        ops="nasnet_timm",
        device=device,
        drop_path=0.0,
        dropout=0.0,
        batch_norm_momentum=0.1,
    )


def pair(device: str) -> tuple[nn.Module, nn.Module]:
    """Both, with the same weights; their logits agree."""
    their, our = theirs().eval(), ours().eval()
    weights.load(our, dict(their.state_dict()), layout="timm")
    their.to(device)
    our.to(device)
    x = torch.randn(1, 3, SIZE, SIZE, device=device)
    with torch.inference_mode():
        expected, actual = their(x), our(x)
    error = float((actual - expected).abs().max() / expected.abs().max())
    assert error < 1e-4, f"the networks differ by {error:.1e}"
    return their, our


# -- measuring --------------------------------------------------------------------------


def timed(run: Callable[[], object], device: str) -> float:
    alone = device == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    gc.collect()
    start = clock()
    made = run()
    if device != "cpu":
        torch.cuda.synchronize()
    elapsed = clock() - start
    del made
    return elapsed


def alternated(
    first: Callable[[], object], second: Callable[[], object], rounds: int, device: str
) -> tuple[float, float]:
    """The best seconds of each."""
    for run in (first, second):
        timed(run, device)
    pairs = [(timed(first, device), timed(second, device)) for _ in range(rounds)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def inference(net: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def run() -> object:
        with torch.inference_mode():
            return net(x)

    return run


def step(net: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    """Forward, loss, backward; gradients are kept from one step to the next."""
    classes = torch.arange(len(x), device=x.device)

    def run() -> object:
        net.zero_grad(set_to_none=False)
        loss = cross_entropy(net(x), classes)
        loss.backward()
        return loss

    return run


def rows(given: argparse.Namespace) -> Iterator[Row]:
    device, rounds = given.device, given.rounds
    built = alternated(theirs, ours, rounds + 4, "cpu")
    yield Row("build", "s", *built, promised="at most 0.7")
    empty = alternated(
        lambda: timm.create_model("nasnetalarge"), lambda: ours("meta"), rounds + 4, "cpu"
    )
    yield Row("build on the meta device (timm: on the CPU)", "s", *empty, promised="under 0.3 s")
    their, our = pair(device)
    x = torch.randn(given.batch, 3, SIZE, SIZE, device=device)
    for name, memory_format in FORMATS.items():
        for net in (their, our):
            net.eval().to(memory_format=memory_format)
        seen = x.contiguous(memory_format=memory_format)
        best = alternated(inference(their, seen), inference(our, seen), rounds, device)
        yield Row(f"inference, batch {given.batch}, {name}", "s", *best)
        if given.compile:
            quick = inference(torch.compile(our), seen)
            best = alternated(inference(torch.compile(their), seen), quick, rounds, device)
            yield Row("the same, both with `torch.compile`", "s", *best, promised="")
        for net in (their, our):
            net.train()
        best = alternated(step(their, seen), step(our, seen), rounds, device)
        yield Row(f"training step, batch {given.batch}, {name}", "s", *best)
    del their, our
    for name in FORMATS:
        peaks = [peak_of(which, name, given) for which in ("timm", "nasdsl")]
        yield Row(f"peak memory of training, {name}", "MB", *peaks)


# -- memory -----------------------------------------------------------------------------


def peak_of(which: str, memory_format: str, given: argparse.Namespace) -> float:
    """MB that two training steps take in a process of their own."""
    command = [sys.executable, "-m", "bench.compile", "--peak", which, "--format", memory_format]
    command += ["--device", given.device, "--batch", str(given.batch)]
    command += ["--threads", str(given.threads)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(run.stdout.split()[-1])


def peak(which: str, memory_format: str, device: str, batch: int) -> float:
    before = resident("VmRSS")
    net: Any = theirs() if which == "timm" else ours()
    net.train().to(device, memory_format=FORMATS[memory_format])
    x = torch.randn(batch, 3, SIZE, SIZE, device=device)
    for _ in range(2):
        step(net, x.contiguous(memory_format=FORMATS[memory_format]))()
    if device != "cpu":
        return torch.cuda.max_memory_allocated() / 1e6
    return (resident("VmHWM") - before) / 1e6


def resident(what: str) -> float:
    """Bytes of this process in memory, now (VmRSS) or at most (VmHWM), as Linux tells."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(what))
    return 1024 * float(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--compile", action="store_true", help="measure torch.compile too")
    parser.add_argument("--peak", choices=("timm", "nasdsl"), help="only this one's memory")
    parser.add_argument("--format", choices=tuple(FORMATS), default="contiguous")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.peak:
        print(peak(given.peak, given.format, given.device, given.batch))
        return
    place = torch.cuda.get_device_name() if given.device != "cpu" else f"{given.threads} threads"
    print(f"torch {torch.__version__}, timm {timm.__version__}, {given.device} ({place})\n")
    print("| NASNet-A large, 331 px | timm | nasdsl | ratio | goal |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows(given):
        print(row, flush=True)


if __name__ == "__main__":
    main()
