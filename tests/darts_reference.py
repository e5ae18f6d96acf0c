"""DARTS written from its published structure: what its family's networks are held against.

The reference reads a state dict in DARTS' names and a genotype as DARTS writes it: pairs of
op and state number, 0 for the cell before the last, 1 for the last. It knows nothing of
nasdsl. The goldens, which DARTS itself computed, prove the reference; the reference then
proves what has no golden.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy
import pytest

from nasdsl.weights import load, table

torch = pytest.importorskip("torch", reason="networks are torch modules")
F = torch.nn.functional

TOLERANCE = 1e-4

Edge = tuple[str, int]


class Published(NamedTuple):
    """A genotype as DARTS writes it."""

    normal: tuple[Edge, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Edge, ...]
    reduce_concat: tuple[int, ...]


def edges(text: str) -> tuple[Edge, ...]:
    """`s3 0, max 1` as pairs of op and state."""
    short = {
        "s": "sep_conv_{0}x{0}",
        "d": "dil_conv_{0}x{0}",
        "max": "max_pool_3x3",
        "avg": "avg_pool_3x3",
        "skip": "skip_connect",
        "c71": "conv_7x1_1x7",
    }
    found = []
    for word, state in (pair.split() for pair in text.split(",")):
        name = short[word] if word in short else short[word[0]].format(word[1:])
        found.append((name, int(state)))
    return tuple(found)


def published(normal: str, reduce: str, *concats: tuple[int, ...]) -> Published:
    """A genotype; the states concatenated are 2, 3, 4 and 5 unless given."""
    kept, reduced = concats or ((2, 3, 4, 5), (2, 3, 4, 5))
    return Published(edges(normal), kept, edges(reduce), reduced)


#: Every genotype of the library that is published in DARTS' form, as it is published.
FAMILY = {
    "darts_v1": published(
        "s3 1, s3 0, skip 0, s3 1, skip 0, s3 1, s3 0, skip 2",
        "max 0, max 1, skip 2, max 0, max 0, skip 2, skip 2, avg 0",
    ),
    "darts_v2": published(
        "s3 0, s3 1, s3 0, s3 1, s3 1, skip 0, skip 0, d3 2",
        "max 0, max 1, skip 2, max 1, max 0, skip 2, skip 2, max 1",
    ),
    "pc_darts_cifar": published(
        "s3 1, skip 0, s3 0, d3 1, s5 0, s3 1, avg 0, d3 1",
        "s5 1, max 0, s5 1, s5 2, s3 0, s3 3, s3 1, s3 2",
    ),
    "pc_darts_image": published(
        "skip 1, s3 0, s3 0, skip 1, s3 1, s3 3, s3 1, d5 4",
        "s3 0, skip 1, d5 2, max 1, s3 2, s3 1, s5 0, s3 3",
    ),
    "p_darts": published(
        "skip 0, d3 1, skip 0, s3 1, s3 1, s3 3, s3 0, d5 4",
        "avg 0, s5 1, s3 0, d5 2, max 0, d3 1, d3 1, d5 3",
    ),
    "gdas": published(
        "skip 0, skip 1, skip 0, s5 2, s3 3, skip 0, s5 4, s3 3",
        "s5 0, s3 1, s5 2, s5 1, d5 2, s3 1, s5 0, s5 1",
    ),
    "snas": published(
        "s3 0, s3 1, skip 0, d3 1, skip 1, skip 0, skip 0, s3 1",
        "max 0, max 1, max 1, skip 2, skip 2, max 1, max 0, d5 2",
    ),
    "nasnet_a_darts": published(
        "s5 1, s3 0, s5 0, s3 0, avg 1, skip 0, avg 0, avg 0, s3 1, skip 1",
        "s5 1, s7 0, max 1, s7 0, avg 1, s5 0, skip 3, avg 2, s3 2, max 1",
        (2, 3, 4, 5, 6),
        (4, 5, 6),
    ),
    "amoebanet_a_darts": published(
        "avg 0, max 1, s3 0, s5 2, s3 0, avg 3, s3 1, skip 1, skip 0, avg 1",
        "avg 0, s3 1, max 0, s7 2, s7 0, avg 1, max 0, max 1, c71 0, s3 5",
        (4, 5, 6),
        (3, 4, 6),
    ),
}


class Reference:
    """DARTS' networks as functions of a state dict."""

    def __init__(self, state: Mapping[str, Any], training: bool = False) -> None:
        self.state = {name: torch.as_tensor(value) for name, value in state.items()}
        self.training = training

    def conv(self, name: str, x: Any, stride: Any = 1, spread: int = 1) -> Any:
        kernel = self.state[f"{name}.weight"]
        height, width = kernel.shape[2:]
        around = spread * (height // 2), spread * (width // 2)
        # A kernel with one channel in is depthwise; DARTS has no cell of one channel.
        groups = x.shape[1] // kernel.shape[1]
        return F.conv2d(x, kernel, None, stride, around, spread, groups)

    def norm(self, name: str, x: Any) -> Any:
        tensors = (self.state[f"{name}.{tensor}"].clone() for tensor in _STATISTICS)
        return F.batch_norm(x, *tensors, training=self.training, eps=1e-5)

    def halved(self, name: str, x: Any) -> Any:
        x = F.relu(x)
        paths = self.conv(f"{name}.conv_1", x, 2), self.conv(f"{name}.conv_2", x[:, :, 1:, 1:], 2)
        return self.norm(f"{name}.bn", torch.cat(paths, 1))

    def projected(self, name: str, x: Any) -> Any:
        if f"{name}.conv_1.weight" in self.state:
            return self.halved(name, x)
        return self.norm(f"{name}.op.2", self.conv(f"{name}.op.1", F.relu(x)))

    def op(self, name: str, op: str, x: Any, stride: int) -> Any:
        if op == "none":
            return x[:, :, ::stride, ::stride] * 0
        if op == "skip_connect":
            return x if stride == 1 else self.halved(name, x)
        if op == "max_pool_3x3":
            return F.max_pool2d(x, 3, stride, 1)
        if op == "avg_pool_3x3":
            return F.avg_pool2d(x, 3, stride, 1, count_include_pad=False)
        if op == "conv_7x1_1x7":
            x = self.conv(f"{name}.1", F.relu(x), (1, stride))
            return self.norm(f"{name}.3", self.conv(f"{name}.2", x, (stride, 1)))
        spread = 2 if op.startswith("dil") else 1
        for first in (1, 5)[: 3 - spread]:
            x = self.conv(f"{name}.op.{first}", F.relu(x), stride, spread)
            x = self.norm(f"{name}.op.{first + 2}", self.conv(f"{name}.op.{first + 1}", x))
            stride = 1
        return x

    def cell(self, name: str, genotype: Published, reduces: bool, older: Any, newer: Any) -> Any:
        edges = genotype.reduce if reduces else genotype.normal
        concat = genotype.reduce_concat if reduces else genotype.normal_concat
        states = [
            self.projected(f"{name}.preprocess0", older),
            self.projected(f"{name}.preprocess1", newer),
        ]
        made = []
        for number, (op, source) in enumerate(edges):
            stride = 2 if reduces and source < 2 else 1
            made.append(self.op(f"{name}._ops.{number}", op, states[source], stride))
            if number % 2:
                states.append(made[-2] + made[-1])
        return torch.cat([states[number] for number in concat], 1)

    def auxiliary(self, x: Any, imagenet: bool) -> Any:
        name = "auxiliary_head.features"
        x = F.avg_pool2d(F.relu(x), 5, 2 if imagenet else 3)
        x = F.relu(self.norm(f"{name}.3", self.conv(f"{name}.2", x)))
        x = F.conv2d(x, self.state[f"{name}.5.weight"])
        x = F.relu(x if imagenet else self.norm(f"{name}.6", x))
        return self.linear("auxiliary_head.classifier", x.flatten(1))

    def linear(self, name: str, x: Any) -> Any:
        return F.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def logits(self, genotype: Published, layers: int, x: Any) -> tuple[Any, Any]:
        """The logits, and the auxiliary classifier's where there is one."""
        imagenet = "stem0.0.weight" in self.state
        if imagenet:
            x = F.relu(self.norm("stem0.1", self.conv("stem0.0", x, 2)))
            older = self.norm("stem0.4", self.conv("stem0.3", x, 2))
            newer = self.norm("stem1.2", self.conv("stem1.1", F.relu(older), 2))
        else:
            older = newer = self.norm("stem.1", self.conv("stem.0", x))
        side = None
        for number in range(layers):
            reduces = number in (layers // 3, 2 * layers // 3)
            made = self.cell(f"cells.{number}", genotype, reduces, older, newer)
            older, newer = newer, made
            if number == 2 * layers // 3 and "auxiliary_head.classifier.bias" in self.state:
                side = self.auxiliary(made, imagenet)
        return self.linear("classifier", newer.mean((2, 3))), side


_STATISTICS = ("running_mean", "running_var", "weight", "bias")


def error(found: Any, expected: Any) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def randomised(net: Any, seed: int = 0) -> dict[str, Any]:
    """Fill the network with random numbers and give them in DARTS' names."""
    dice = numpy.random.default_rng(seed)
    state = net.state_dict()
    made: dict[str, Any] = {}
    for ours, source in table(net.graph, "darts").items():
        shape = tuple(state[ours].shape)
        kind = ours.rpartition(".")[2]
        if kind == "num_batches_tracked":
            value = numpy.array(3)
        elif kind == "running_var" or (kind == "weight" and len(shape) == 1):
            value = dice.uniform(0.6, 1.4, shape)
        elif len(shape) == 1:
            value = dice.normal(0, 0.3, shape)
        else:
            value = dice.normal(0, (2 / numpy.prod(shape[1:])) ** 0.5, shape)
        made[source.name] = value.astype("i8" if value.ndim == 0 else "f4")
    assert load(net, made).layout == "darts"
    return made


def images(count: int, size: int, seed: int = 1) -> Any:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))
