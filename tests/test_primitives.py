"""Primitives: one table, and what it takes to add to it: a row and an emission a backend."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl.api.compile import compiled_graph
from nasdsl.errors import CellError
from nasdsl.network import verified
from nasdsl.network.cost import node_count
from nasdsl.passes.merge import merged
from nasdsl.primitives import PRIMITIVES, Node, Primitive, Shape, Tensor, layer_of, words_of
from nasdsl.weights import parameters

DOCS = Path(__file__).parent.parent / "docs" / "language.md"
TEXT = """
genotype sloped
ops nasnet
op sloped_conv = [prelu, conv(3x3, stride), batch_norm]
cell normal {
    b0 = (h[i], h[i-1], sloped_conv, sloped_conv, add)
    b1 = (h[i], h[i],   sloped_conv, sloped_conv, add)
}
cell reduction {
    b0 = (h[i], h[i-1], sloped_conv, sloped_conv, add)
}
"""
SETTINGS: dict[str, Any] = {"stem": "cifar", "N": 1, "filters": 32, "image_size": 16, "classes": 3}


@pytest.fixture
def prelu(monkeypatch: pytest.MonkeyPatch) -> None:
    """ReLU with a slope for each channel: a row, and an emission in each of our backends."""
    nn = pytest.importorskip("torch").nn
    row = Primitive(
        "max(x, 0) + slope * min(x, 0), with a slope a channel",
        lambda node, inputs: inputs[0],
        tensors=lambda node: (Tensor("weight", (node.shape.channels,)),),
    )
    monkeypatch.setitem(PRIMITIVES, "prelu", row)
    torch = import_module("nasdsl_backends.torch.emission")
    layer = torch.ModuleEmission(
        lambda node, place: nn.PReLU(node.shape.channels, dtype=place.dtype)
    )
    monkeypatch.setitem(torch.EMISSIONS, "prelu", layer)
    source = import_module("nasdsl_backends.source.emission")
    text = source.SourceEmission(lambda layer: f"nn.PReLU({layer.channels})")
    monkeypatch.setitem(source.EMISSIONS, "prelu", text)


def test_without_the_row() -> None:
    """What has no row is no primitive."""
    with pytest.raises(CellError, match="NAS401"):
        nasdsl.loads(TEXT)


@pytest.mark.usefixtures("prelu")
def test_new_primitive() -> None:
    """Text, cost, both backends and their agreement follow from the row and the emissions."""
    torch = pytest.importorskip("torch")
    genotype = nasdsl.loads(TEXT)
    plain = nasdsl.loads(TEXT.replace("prelu", "relu"))
    assert nasdsl.canonical_hash(genotype) != nasdsl.canonical_hash(plain)
    graph = verified(compiled_graph(genotype, **SETTINGS))
    slopes = [node for _, node in graph.nodes() if node.primitive == "prelu"]
    more = nasdsl.cost(genotype, **SETTINGS).params - nasdsl.cost(plain, **SETTINGS).params
    assert more == sum(node.shape.channels for node in slopes) > 0
    # It owns a tensor, so equal ones stay apart.
    assert sum(node.primitive == "prelu" for _, node in merged(graph).nodes()) == len(slopes)

    net = nasdsl.compile(genotype, seed=1, dtype=torch.float64, **SETTINGS).eval()
    held = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    held.pop("progress")
    assert held == {name: found.shape for name, found in parameters(graph).items()}
    for slope in slopes:
        net.get_parameter(f"{slope.name}.weight").data.uniform_(0.1, 0.9)
    printed: dict[str, Any] = {"__name__": "printed"}
    exec(nasdsl.compile(genotype, backend="source", **SETTINGS), printed)
    other = printed["build"]().double().eval()
    other.load_state_dict(net.state_dict())
    image = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(other(image), net(image))
    relu = nasdsl.compile(plain, seed=1, dtype=torch.float64, **SETTINGS).eval()
    assert not torch.allclose(relu(image), net(image))


@pytest.mark.usefixtures("prelu")
def test_a_backend_without_the_emission(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that has no emission for it yet says so."""
    monkeypatch.delitem(import_module("nasdsl_backends.source.emission").EMISSIONS, "prelu")
    with pytest.raises(CellError, match=r"NAS704.*`prelu`"):
        nasdsl.compile(nasdsl.loads(TEXT), backend="source", **SETTINGS)


# -- what a row says, held against what is known from elsewhere -----------------------------

BEFORE, AFTER = Shape(6, 9, 9), Shape(5, 5, 5)
#: Of nodes that read 6 channels of 9x9: what PyTorch's own layers own.
OWNED = {
    "conv": (Node("x", "conv", ("y",), BEFORE, AFTER, (3, 5), (2, 2)), {"weight": (5, 6, 3, 5)}),
    "depthwise": (
        Node("x", "depthwise", ("y",), BEFORE, Shape(6, 5, 5), (3, 5), (2, 2)),
        {"weight": (6, 1, 3, 5)},
    ),
    "batch_norm": (
        Node("x", "batch_norm", ("y",), BEFORE, BEFORE),
        dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (6,))
        | {"num_batches_tracked": ()},
    ),
    "layer_norm": (
        Node("x", "layer_norm", ("y",), BEFORE, BEFORE),
        {"weight": (6,), "bias": (6,)},
    ),
    "instance_norm": (
        Node("x", "instance_norm", ("y",), BEFORE, BEFORE),
        {"weight": (6,), "bias": (6,)},
    ),
    "factorized_reduce": (
        Node("x", "factorized_reduce", ("y",), BEFORE, AFTER, (1, 1), (2, 2)),
        {"conv0.weight": (2, 6, 1, 1), "conv1.weight": (3, 6, 1, 1)},
    ),
    "linear": (
        Node("x", "linear", ("y",), Shape(6, 1, 1), Shape(4, 1, 1), bias=True),
        {"weight": (4, 6), "bias": (4,)},
    ),
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_tensors(name: str) -> None:
    """What each primitive owns; all others own nothing, and only owners cannot be merged."""
    if name not in OWNED:
        node = Node("x", name, ("y",), BEFORE, BEFORE)
        assert PRIMITIVES[name].tensors(node) == ()
        assert PRIMITIVES[name].repeatable == (name not in ("drop_path", "dropout"))
        return
    node, wanted = OWNED[name]
    assert {tensor.name: tensor.sizes for tensor in PRIMITIVES[name].tensors(node)} == wanted
    assert not PRIMITIVES[name].repeatable


#: Parameters, statistics, mult-adds and activations of the nodes above, worked out by hand.
COUNTED = {
    "conv": (5 * 6 * 15, 0, 25 * 5 * 6 * 15, 125),
    "depthwise": (6 * 15, 0, 25 * 6 * 15, 150),
    "batch_norm": (12, 12, 0, 486),
    "layer_norm": (12, 0, 0, 486),
    "instance_norm": (12, 0, 0, 486),
    "factorized_reduce": (5 * 6, 0, 25 * 5 * 6, 125),
    "linear": (28, 0, 24, 4),
}
#: What writes nothing at inference.
SILENT = ("identity", "drop_path", "dropout")


@pytest.mark.parametrize("name", PRIMITIVES)
def test_counts(name: str) -> None:
    """What each primitive costs; those without parameters only write their output."""
    node = OWNED[name][0] if name in OWNED else Node("x", name, ("y",), BEFORE, AFTER)
    wanted = COUNTED.get(name, (0, 0, 0, 0 if name in SILENT else 125))
    assert node_count(node) == wanted


#: Of one or two inputs of 6 channels of 9x9, the shape of 5 channels asked for: what is made.
MADE = {
    **dict.fromkeys(
        ("relu", "batch_norm", "layer_norm", "instance_norm", "identity", "drop_path", "dropout"),
        BEFORE,
    ),
    "conv": Shape(5, 5, 9),
    **dict.fromkeys(("depthwise", "avg_pool", "max_pool"), Shape(6, 5, 9)),
    "factorized_reduce": None,  # its stride is not 2x2
    "zero": Shape(5, 5, 9),
    "sum": BEFORE,
    "concat": Shape(12, 9, 9),
    "global_avg_pool": Shape(6, 1, 1),
    "linear": None,  # what it reads is no vector
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_shapes(name: str) -> None:
    """What each primitive makes, with a 3x3 kernel and a vertical stride of 2."""
    node = Node("x", name, ("y",), BEFORE, AFTER, (3, 3), (2, 1))
    joins = name in ("sum", "concat")
    assert PRIMITIVES[name].shape(node, [BEFORE, BEFORE] if joins else [BEFORE]) == MADE[name]
    assert joins or PRIMITIVES[name].shape(node, [BEFORE, BEFORE]) is None
    unequal = [BEFORE, BEFORE._replace(height=8)]
    assert not joins or PRIMITIVES[name].shape(node, unequal) is None


@pytest.mark.parametrize(("filters", "first"), [(1, 0), (2, 1), (3, 1), (27, 13), (54, 27)])
def test_halves(filters: int, first: int) -> None:
    """The odd filter of a factorized reduction is the second path's, as in slim."""
    node = Node("x", "factorized_reduce", ("y",), BEFORE, Shape(filters, 5, 5), (1, 1), (2, 2))
    owned = {tensor.name: tensor.sizes for tensor in PRIMITIVES["factorized_reduce"].tensors(node)}
    halves = {"conv0.weight": (first, 6, 1, 1), "conv1.weight": (filters - first, 6, 1, 1)}
    assert owned == {name: sizes for name, sizes in halves.items() if sizes[0]}


@pytest.mark.parametrize("word", words_of("chain"))
def test_the_language_page_has_every_word(word: str) -> None:
    """`docs/language.md` lists each primitive with the arguments it takes."""
    row = layer_of(word)
    assert row is not None
    called = re.escape(f"`{word}(KxK)`" if row.kernel else f"`{word}`")
    (line,) = re.findall(rf"^\|[^|]*{called}[^|]*\|([^|]*)\|", DOCS.read_text("utf-8"), re.M)
    told = set(re.findall(r"`(\w+)", line))
    # `stride_x` and `stride_y` are described below the table.
    assert told == set(row.arguments) - {"stride_x", "stride_y"}
