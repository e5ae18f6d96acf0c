"""DARTS against a reference written here from its published structure.

The reference reads a state dict in DARTS' names and a genotype as DARTS writes it: pairs of
op and state number, 0 for the cell before the last, 1 for the last. It knows nothing of
nasdsl. The goldens, which DARTS itself computed, prove the reference; the reference then
proves what has no golden: the ImageNet stem, the auxiliary classifiers, training, every op.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import nasdsl
from nasdsl.weights import load, table

torch = pytest.importorskip("torch", reason="networks are torch modules")
F = torch.nn.functional

GOLDEN = Path(__file__).parent / "data" / "golden"
TOLERANCE = 1e-4

Edge = tuple[str, int]


class Published(NamedTuple):
    """A genotype as DARTS writes it."""

    normal: tuple[Edge, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Edge, ...]
    reduce_concat: tuple[int, ...]


def _edges(text: str) -> tuple[Edge, ...]:
    """`s3 0, max 1` as pairs of op and state."""
    short = {
        "s": "sep_conv_{0}x{0}",
        "d": "dil_conv_{0}x{0}",
        "max": "max_pool_3x3",
        "avg": "avg_pool_3x3",
        "skip": "skip_connect",
    }
    found = []
    for word, state in (pair.split() for pair in text.split(",")):
        name = short[word] if word in short else short[word[0]].format(word[1:])
        found.append((name, int(state)))
    return tuple(found)


DARTS_V2 = Published(
    _edges("s3 0, s3 1, s3 0, s3 1, s3 1, skip 0, skip 0, d3 2"),
    (2, 3, 4, 5),
    _edges("max 0, max 1, skip 2, max 1, max 0, skip 2, skip 2, max 1"),
    (2, 3, 4, 5),
)
DARTS_V1 = Published(
    _edges("s3 1, s3 0, skip 0, s3 1, skip 0, s3 1, s3 0, skip 2"),
    (2, 3, 4, 5),
    _edges("max 0, max 1, skip 2, max 0, max 0, skip 2, skip 2, avg 0"),
    (2, 3, 4, 5),
)
NASNET = Published(
    _edges("s5 1, s3 0, s5 0, s3 0, avg 1, skip 0, avg 0, avg 0, s3 1, skip 1"),
    (2, 3, 4, 5, 6),
    _edges("s5 1, s7 0, max 1, s7 0, avg 1, s5 0, skip 3, avg 2, s3 2, max 1"),
    (4, 5, 6),
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """One thread a process: tests run side by side, and more threads only wait for others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


# -- the reference ----------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("golden", "genotype"), [("darts_v2_cifar", DARTS_V2), ("darts_nasnet_cifar", NASNET)]
)
def test_the_reference_is_darts(golden: str, genotype: Published) -> None:
    """The reference gives the logits that DARTS itself gave."""
    with numpy.load(GOLDEN / f"{golden}.npz") as archive:
        arrays = dict(archive)
    state = {name.removeprefix("state:"): arrays[name] for name in arrays if "state:" in name}
    logits, _ = Reference(state).logits(genotype, 5, torch.tensor(arrays["input_nchw"]))
    assert _error(logits, torch.tensor(arrays["logits"])) <= TOLERANCE


# -- against the reference --------------------------------------------------------------


def _error(found: Any, expected: Any) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def _random(net: Any, seed: int = 0) -> dict[str, Any]:
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


def _images(count: int, size: int, seed: int = 1) -> Any:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("name", "genotype"), [("darts_v1", DARTS_V1), ("darts_v2", DARTS_V2)])
@pytest.mark.parametrize(
    ("stem", "size", "count"), [("imagenet", 224, 1), ("imagenet", 96, 2), ("cifar", 32, 2)]
)
def test_stems(name: str, genotype: Published, stem: str, size: int, count: int) -> None:
    """Both stems, at the published size and at another."""
    net = nasdsl.compile(name, stem=stem, N=1, filters=128, image_size=size, classes=7).eval()
    state, x = _random(net), _images(count, size)
    with torch.inference_mode():
        assert _error(net(x), Reference(state).logits(genotype, 5, x)[0]) <= TOLERANCE


def test_eight_layers() -> None:
    """N = 2 are eight layers, with reductions at a third and two thirds."""
    net = nasdsl.compile("darts_v2", stem="cifar", N=2, filters=64, image_size=32).eval()
    state, x = _random(net), _images(2, 32)
    with torch.inference_mode():
        assert _error(net(x), Reference(state).logits(DARTS_V2, 8, x)[0]) <= TOLERANCE


@pytest.mark.parametrize(("stem", "size"), [("cifar", 32), ("imagenet", 224)])
def test_training(stem: str, size: int) -> None:
    """In training, with statistics of the batch, both classifiers give what DARTS' give."""
    settings = {"stem": stem, "N": 1, "filters": 64, "image_size": size, "classes": 7}
    net = nasdsl.compile("darts_v2", auxiliary=True, drop_path=0, **settings).train()
    state, x = _random(net), _images(4, size)
    logits, side = Reference(state, training=True).logits(DARTS_V2, 5, x)
    with torch.no_grad():
        found = net(x)
    assert _error(found.logits, logits) <= TOLERANCE
    assert _error(found.aux_logits, side) <= TOLERANCE


# -- every op ---------------------------------------------------------------------------

_OPS = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "conv_7x1_1x7",
]


def _cells(kind: str, edges: tuple[Edge, ...]) -> str:
    """The cell as nasdsl writes it."""
    states = ["h[i-1]", "h[i]", "b0", "b1", "b2"]
    blocks = [
        f"b{block} = ({states[left]}, {states[right]}, {one}, {other}, add)"
        for block, ((one, left), (other, right)) in enumerate(
            zip(edges[::2], edges[1::2], strict=True)
        )
    ]
    return f"cell {kind} {{\n" + "\n".join(blocks) + "\noutput concat(b0, b1, b2, b3)\n}\n"


def _eight_edges() -> st.SearchStrategy[tuple[Edge, ...]]:
    # The first two read both inputs, so that none goes unread: DARTS prepares both always.
    first = [st.tuples(st.sampled_from(_OPS), st.just(state)) for state in (0, 1)]
    rest = [
        st.tuples(st.sampled_from(_OPS), st.integers(0, number // 2 + 1)) for number in range(2, 8)
    ]
    return st.tuples(*first, *rest)


@hypothesis_settings(max_examples=25)
@given(_eight_edges(), _eight_edges(), st.sampled_from(["cifar", "imagenet"]))
def test_random_cells(normal: tuple[Edge, ...], reduction: tuple[Edge, ...], stem: str) -> None:
    """Any cells of DARTS' ops, at both strides, on both stems."""
    text = f"genotype random\nops darts\n{_cells('normal', normal)}{_cells('reduction', reduction)}"
    size = 16 if stem == "cifar" else 64
    net = nasdsl.compile(
        nasdsl.loads(text),
        skeleton="darts",
        stem=stem,
        N=1,
        filters=64,
        image_size=size,
        classes=5,
    ).eval()
    state, x = _random(net), _images(2, size)
    genotype = Published(normal, (2, 3, 4, 5), reduction, (2, 3, 4, 5))
    with torch.inference_mode():
        assert _error(net(x), Reference(state).logits(genotype, 5, x)[0]) <= TOLERANCE
