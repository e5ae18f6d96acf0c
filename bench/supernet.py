"""Measure super-networks: whether members compute the same on their own, and what a step costs.

    python -m bench.supernet --members 200
    python -m bench.supernet --members 0 --steps 20

For each space, random members are chosen in a super-network, in training and in evaluation, and
compared with `nasdsl.compile`'s network of the same genotype and the weights it inherits. Then a
step of training is timed in both, in turn, on one thread in processor time. In the super-network it
includes choosing the member, which is as new to it as in training: many others came before.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import nn

import nasdsl

TWO_HOLES = """
genotype two_holes
ops nasnet
cell normal {
    a = (h[i], h[i-1], ?, identity, add)
    b = ({h[i] | a}, a, sep_conv_3x3, max_pool_3x3, add)
}
cell reduction {
    a = (h[i], h[i-1], sep_conv_3x3, identity, add)
}
"""
#: Members chosen between two turns of one: more than a super-network keeps.
_OTHERS = 70
SPACES: dict[str, dict[str, Any]] = {
    "nasnet_space": {"N": 1, "stem": "cifar"},
    "enas_space": {"N": 1},
    "darts_space": {"layers": 3},
    "nasbench201_space": {"N": 1},
    "two_holes": {"N": 1, "stem": "cifar"},
}


def main() -> None:
    """Compare and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--space", default="", help="one of them alone")
    parser.add_argument("--filters", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64, help="images of a step")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    small = {"cell_filters": chosen.filters, "image_size": chosen.image_size}
    print("| space | members | float64 | float32 | step, of the member's own |")
    print("|---|---|---|---|---|")
    for name, more in SPACES.items():
        if chosen.space not in ("", name):
            continue
        space = nasdsl.loads_space(TWO_HOLES) if name == "two_holes" else nasdsl.load_space(name)
        settings = {**small, **more}
        worst = [
            _difference(space, settings, dtype, chosen.members)
            for dtype in (torch.float64, torch.float32)
        ]
        ratio = (
            _ratio(space, settings, chosen.steps, chosen.batch) if chosen.steps else float("nan")
        )
        print(
            f"| `{name}` | {chosen.members} | {worst[0]:g} | {worst[1]:g} | {ratio:.2f} |",
            flush=True,
        )


def _images(settings: dict[str, Any], batch: int, dtype: torch.dtype) -> torch.Tensor:
    size = settings["image_size"]
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0)).to(dtype)


def _difference(
    space: nasdsl.Space, settings: dict[str, Any], dtype: torch.dtype, members: int
) -> float:
    """The largest difference of any logit."""
    net = nasdsl.supernet(space, dtype=dtype, seed=0, **settings)
    net.set_progress(0.5)
    x, worst = _images(settings, 2, dtype), 0.0
    for genotype in nasdsl.sample(space, members, seed=0):
        net.choose(genotype)
        alone = nasdsl.compile(genotype, dtype=dtype, seed=1, **settings)
        alone.load_state_dict(net.member().state_dict())
        for training in (False, True):
            made = []
            for each in (net, alone):
                torch.manual_seed(0)
                with torch.no_grad():
                    made.append(each.train(training)(x))
            worst = max(worst, float((made[0] - made[1]).abs().max()))
    return worst


def _ratio(space: nasdsl.Space, settings: dict[str, Any], steps: int, batch: int) -> float:
    """The median, over members, of a step's cost in the super-network over that of the member."""
    net = nasdsl.supernet(space, seed=0, **settings)
    x, found = _images(settings, batch, torch.float32), []
    others = [list(nasdsl.sample(space, _OTHERS, seed=turn)) for turn in range(2, 6)]
    for genotype in nasdsl.sample(space, steps, seed=1):
        alone = nasdsl.compile(genotype, seed=0, **settings)
        turns = [(_chosen(net, genotype, each, x), _stepped(alone, x)) for each in others][1:]
        shared, own = zip(*turns, strict=True)
        found.append(min(shared) / min(own))
    return median(found)


def _chosen(
    net: Any, genotype: nasdsl.Genotype, others: list[nasdsl.Genotype], x: torch.Tensor
) -> float:
    """Processor time of choosing a member after many others, and of its step."""
    for other in others:
        net.choose(other)
    return _seconds(lambda: net.choose(genotype)) + _stepped(net, x)


def _stepped(net: nn.Module, x: torch.Tensor) -> float:
    """Processor time of forward, backward, and a step of SGD on what has a gradient."""
    net.train()
    return _seconds(lambda: _step(net, x))


def _step(net: Any, x: torch.Tensor) -> None:
    is_shared = hasattr(net, "chosen_parameters")
    parameters = net.chosen_parameters() if is_shared else list(net.parameters())
    for parameter in parameters:
        parameter.grad = None
    net(x).square().mean().backward()
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
