"""Measure the cost of a child of the paper's search, and project that of the whole search.

    python -m bench.child --samples 8
    python -m bench.child --samples 16 --device cuda --precision bf16

Children are uniform samples of the paper's space as networks of N = 2 with 32 filters in the
first cell, trained on batches of 32 images of 32x32: 1,407 steps an epoch of 45,000 images, 20
epochs. A few steps of each are timed, on one thread in processor time or on one GPU by the
clock, and multiplied. The table of `docs/scale.md` is a run of this.
"""

import argparse
import platform
import time
from dataclasses import dataclass
from statistics import median

import torch

import nasdsl
from bench.reliability.mocks import FULL, space

_BATCH, _EPOCHS, _IMAGES, _FILTERS = 32, 20, 45_000, 32
_STEPS = _EPOCHS * -(-_IMAGES // _BATCH)
#: The paper's search (Zoph et al. 2018, appendix A.3).
_CHILDREN, _WORKERS = 20_000, 450


@dataclass(frozen=True, slots=True)
class Child:
    """A child's size and cost; `seconds` a step of training."""

    params: int
    mult_adds: int
    seconds: float

    @property
    def hours(self) -> float:
        """Of its whole training."""
        return self.seconds * _STEPS / 3600


def measured(genotype: nasdsl.Genotype, device: str, precision: str, steps: int) -> Child:
    """Build the child and time some steps of its training."""
    rules = {"N": 2, "cell_filters": _FILTERS, "stem": "cifar", "classes": 10}
    cost = nasdsl.cost(genotype, **rules)
    net = nasdsl.compile(genotype, **rules, seed=0).to(device).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025, momentum=0.9, nesterov=True)
    images = torch.randn(_BATCH, 3, 32, 32, device=device)
    labels = torch.randint(10, (_BATCH,), device=device)
    half = torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")
    times = []
    for _ in range(steps + 2):
        begun = _clock(device)
        optimizer.zero_grad(set_to_none=True)
        with half:
            logits = net(images)
            loss = torch.nn.functional.cross_entropy(getattr(logits, "logits", logits), labels)
        loss.backward()
        optimizer.step()
        times.append(_clock(device) - begun)
    # The first two steps allocate and choose kernels.
    return Child(cost.params, cost.mult_adds, median(times[2:]))


def _clock(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    where = "one CPU thread" if options.device == "cpu" else torch.cuda.get_device_name()
    print(f"{where}, {options.precision}, torch {torch.__version__}, {platform.machine()}\n")
    print("| params | mult-adds an image | s a step | h a child |\n|--:|--:|--:|--:|")
    children = []
    for genotype in nasdsl.sample(space(FULL), options.samples, seed=0):
        child = measured(genotype, options.device, options.precision, options.steps)
        children.append(child)
        print(
            f"| {child.params / 1e6:.2f} M | {child.mult_adds / 1e6:.0f} M | "
            f"{child.seconds:.3f} | {child.hours:.2f} |",
            flush=True,
        )
    hours = median(child.hours for child in children)
    whole, days = _CHILDREN * hours, _CHILDREN * hours / _WORKERS / 24
    print(f"\nmedian {hours:.2f} h a child; {_CHILDREN} children take {whole:,.0f} device hours,")
    print(f"{days:.1f} days on {_WORKERS} devices")


if __name__ == "__main__":
    main()
