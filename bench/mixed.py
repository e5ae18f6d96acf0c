"""A search step of DARTS's super-network, beside a plain one: time and memory.

    python -m bench.mixed --steps 3

Both have C = 16, 8 layers and 1,930,618 weights, and take a step on 64 images of 32 pixels:
forward, backward, SGD. The plain one is written as the paper says it: on every edge a module for
each op, and the sum of their results times the softmax of the alphas. Each runs in a process of
its own, on one thread; time is that of the processor and memory the most that the process held.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import nasdsl

STEPS, LAYERS, WIDTH, WEIGHTS = 4, 8, 16, 1_930_618


def main() -> None:
    """Measure both in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--only", choices=["nasdsl", "plain"])
    chosen = parser.parse_args()
    if chosen.only:
        print(json.dumps(_measured(chosen.only, chosen.steps, chosen.batch)))
        return
    found = {}
    for name in ("plain", "nasdsl"):
        words = ["--only", name, "--steps", str(chosen.steps), "--batch", str(chosen.batch)]
        ran = subprocess.run(
            [sys.executable, "-m", "bench.mixed", *words], capture_output=True, check=True
        )
        found[name] = json.loads(ran.stdout)
        print(name, found[name], flush=True)
    for what in ("seconds", "megabytes"):
        print(f"{what}: {found['nasdsl'][what] / found['plain'][what]:.2f} of the plain one")


def _measured(name: str, steps: int, batch: int) -> dict[str, float]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if name == "plain":
        net: nn.Module = _Plain()
    else:
        net = nasdsl.supernet(
            "darts_space",
            relaxation="softmax",
            affine=False,
            layers=LAYERS,
            cell_filters=WIDTH,
            image_size=32,
            seed=0,
        )
    weights = [
        parameter for name, parameter in net.named_parameters() if not name.startswith("alphas")
    ]
    assert sum(each.numel() for each in weights) == WEIGHTS
    sgd = torch.optim.SGD(weights, 0.025, 0.9, weight_decay=3e-4)
    images, labels = torch.randn(batch, 3, 32, 32), torch.arange(batch) % 10
    before, times = _most(), []
    for _ in range(steps):
        began = time.process_time()
        sgd.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        sgd.step()
        times.append(time.process_time() - began)
    return {"seconds": round(min(times), 2), "megabytes": round(_most() - before)}


def _most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _norm(width: int) -> nn.Module:
    return nn.BatchNorm2d(width, affine=False)


def _conv(
    width: int, after: int, kernel: int, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    """Depthwise, then pointwise."""
    pad = dilation * (kernel // 2)
    deep = nn.Conv2d(width, width, kernel, stride, pad, dilation, groups=width, bias=False)
    return [nn.ReLU(), deep, nn.Conv2d(width, after, 1, bias=False), _norm(after)]


class _Zero(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0.0


class _Halved(nn.Module):
    """Two convolutions of stride 2, the second a pixel further on."""

    def __init__(self, width: int, after: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, after // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(width, after // 2, 1, 2, bias=False)
        self.norm = _norm(after)

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        made: Tensor = self.norm(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], 1))
        return made


class _Edge(nn.Module):
    """All eight ops."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.ops = nn.ModuleList(
            [
                _Zero(stride),
                nn.MaxPool2d(3, stride, 1),
                nn.AvgPool2d(3, stride, 1, count_include_pad=False),
                nn.Identity() if stride == 1 else _Halved(width, width),
                *(
                    nn.Sequential(*_conv(width, width, k, stride), *_conv(width, width, k))
                    for k in (3, 5)
                ),
                *(nn.Sequential(*_conv(width, width, k, stride, 2)) for k in (3, 5)),
            ]
        )

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        made: Tensor = sum(w * op(x) for w, op in zip(weights, self.ops, strict=True))  # type: ignore[assignment]
        return made


class _PlainCell(nn.Module):
    def __init__(self, given: tuple[int, int], width: int, halves: bool, after_half: bool) -> None:
        super().__init__()
        prepared = [nn.ReLU(), nn.Conv2d(given[0], width, 1, bias=False), _norm(width)]
        self.before = _Halved(given[0], width) if after_half else nn.Sequential(*prepared)
        self.newest = nn.Sequential(
            nn.ReLU(), nn.Conv2d(given[1], width, 1, bias=False), _norm(width)
        )
        self.edges = nn.ModuleList(
            _Edge(width, 2 if halves and read < 2 else 1)
            for node in range(STEPS)
            for read in range(2 + node)
        )

    def forward(self, before: Tensor, newest: Tensor, weights: Tensor) -> Tensor:
        states = [self.before(before), self.newest(newest)]
        edges = zip(self.edges, weights, strict=True)
        for _ in range(STEPS):
            states.append(sum(next_edge(edges, state) for state in list(states)))  # type: ignore[arg-type]
        return torch.cat(states[2:], 1)


def next_edge(edges: "zip[tuple[nn.Module, Tensor]]", state: Tensor) -> Tensor:
    """What the next edge makes of a state."""
    edge, weights = next(edges)
    made: Tensor = edge(state, weights)
    return made


class _Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        first = 3 * WIDTH
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, padding=1, bias=False), nn.BatchNorm2d(first)
        )
        self.cells = nn.ModuleList()
        given, width, after_half = (first, first), WIDTH, False
        for layer in range(LAYERS):
            halves = layer in (LAYERS // 3, 2 * LAYERS // 3)
            width *= 2 if halves else 1
            self.cells.append(_PlainCell(given, width, halves, after_half))
            given, after_half = (given[1], STEPS * width), halves
        self.halves = [layer in (LAYERS // 3, 2 * LAYERS // 3) for layer in range(LAYERS)]
        self.linear = nn.Linear(given[1], 10)
        self.alphas = nn.ParameterList(1e-3 * torch.randn(14, 8) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        weights = [alpha.softmax(-1) for alpha in self.alphas]
        before = newest = self.stem(x)
        for cell, halves in zip(self.cells, self.halves, strict=True):
            before, newest = newest, cell(before, newest, weights[halves])
        made: Tensor = self.linear(newest.mean((2, 3)))
        return made


if __name__ == "__main__":
    main()
