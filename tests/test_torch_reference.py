"""A network computes what its graph says, at any size, trained or not.

The reference below reads the graph node by node, as `Node`'s table is written: it pads by
hand, shares nothing, overwrites nothing and runs no pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import nasdsl
from nasdsl.api.request import source_network
from nasdsl.network import IMAGE, NetworkGraph, Node
from tests.torch_networks import (
    KINDS,
    built,
    halving_genotype,
    image,
    random_graphs,
    randomised,
    small,
)

Weights = Mapping[str, Tensor]


pytestmark = pytest.mark.usefixtures("one_thread")


# -- the reference ----------------------------------------------------------------------


def reference(graph: NetworkGraph, weights: Weights, x: Tensor, training: bool = False) -> Tensor:
    """The logits by the definition of every node."""
    values = {str(IMAGE): x}
    for _, node in graph.nodes():
        inputs = [values[name] for name in node.inputs]
        values[node.name] = computed(graph, node, inputs, weights, training)
    return values[str(graph.logits)]


def computed(
    graph: NetworkGraph, node: Node, inputs: list[Tensor], weights: Weights, training: bool
) -> Tensor:
    """One node."""
    x, own, epsilon = inputs[0], node.name, graph.configuration.batch_norm_epsilon
    if node.primitive in ("conv", "depthwise"):
        window = F.pad(x, borders(node, x))
        kernel, stride = weights[f"{own}.weight"], node.stride
        return F.conv2d(window, kernel, None, stride, 0, node.dilation, node.groups)
    if node.primitive in ("batch_norm", "instance_norm", "layer_norm"):
        dims = {"batch_norm": (0, 2, 3), "instance_norm": (2, 3), "layer_norm": (1, 2, 3)}
        mean = x.mean(dims[node.primitive], keepdim=True)
        variance = x.var(dims[node.primitive], correction=0, keepdim=True)
        if node.primitive == "batch_norm" and not training:
            mean = weights[f"{own}.running_mean"].view(1, -1, 1, 1)
            variance = weights[f"{own}.running_var"].view(1, -1, 1, 1)
        scale, shift = weights[f"{own}.weight"], weights[f"{own}.bias"]
        scaled = (x - mean) / (variance + epsilon).sqrt() * scale.view(1, -1, 1, 1)
        return scaled + shift.view(1, -1, 1, 1)
    if node.primitive == "factorized_reduce":
        # slim's: half of the filters from the even pixels, rounded down; the rest from the odd.
        first = node.shape.channels // 2
        odd = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:][:, :, ::2, ::2]
        halves = [F.conv2d(odd, weights[f"{own}.conv1.weight"])]
        if first:
            halves.insert(0, F.conv2d(x[:, :, ::2, ::2], weights[f"{own}.conv0.weight"]))
            assert halves[0].shape[1] == first
        return torch.cat(halves, 1)
    if node.primitive == "linear":
        return x.flatten(1) @ weights[f"{own}.weight"].T + weights[f"{own}.bias"]
    return PLAIN[node.primitive](node, inputs)


def borders(node: Node, x: Tensor) -> tuple[int, int, int, int]:
    """Left, right, top, bottom."""
    sides: list[int] = []
    for size, kernel, stride in zip(x.shape[-2:], node.kernel, node.stride, strict=True):
        reach = node.dilation * (kernel - 1)
        if node.padding == "valid":
            both = 0, 0
        elif node.padding == "symmetric":
            both = node.dilation * (kernel // 2), node.dilation * (kernel // 2)
        else:
            missing = max(0, (-(-size // stride) - 1) * stride + reach + 1 - size)
            both = missing // 2, missing - missing // 2
        sides = [*both, *sides]
    return sides[0], sides[1], sides[2], sides[3]


def windows(node: Node, x: Tensor, value: float) -> Tensor:
    """(B, C, H', W', taps): what every window of a pool sees."""
    x = F.pad(x, borders(node, x), value=value)
    for axis, (kernel, stride) in enumerate(zip(node.kernel, node.stride, strict=True), 2):
        x = x.unfold(axis, kernel, stride)
    return x.flatten(-2)


def average(node: Node, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    seen = windows(node, x, 0.0)
    if node.count_padding:
        return seen.mean(-1)
    return seen.sum(-1) / windows(node, torch.ones_like(x), 0.0).sum(-1)


def maximum(node: Node, inputs: list[Tensor]) -> Tensor:
    return windows(node, inputs[0], 0.0 if node.zero_padded else float("-inf")).amax(-1)


def zero(node: Node, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    return x[:, :1, :: node.stride[0], :: node.stride[1]].repeat(1, node.shape.channels, 1, 1) * 0


PLAIN: dict[str, Callable[[Node, list[Tensor]], Tensor]] = {
    "relu": lambda node, inputs: inputs[0].clamp(min=0),
    "avg_pool": average,
    "max_pool": maximum,
    "zero": zero,
    "identity": lambda node, inputs: inputs[0],
    "sum": lambda node, inputs: torch.stack(inputs).sum(0),
    "concat": lambda node, inputs: torch.cat(inputs, 1),
    "drop_path": lambda node, inputs: inputs[0],
    "dropout": lambda node, inputs: inputs[0],
    "global_avg_pool": lambda node, inputs: inputs[0].mean((2, 3)),
}


# -- comparisons ------------------------------------------------------------------------


def check(graph: NetworkGraph, size: int | None = None, training: bool = False) -> None:
    """Logits and, in training, gradients equal the reference's, in float64."""
    net = randomised(built(graph, dtype=torch.float64, seed=1)).train(training)
    x = image(graph, size=size).double()
    weights = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    expected_of = {name: weights[name].requires_grad_() for name, _ in net.named_parameters()}
    expected, actual = reference(graph, weights, x, training), net(x)
    torch.testing.assert_close(actual, expected, rtol=1e-8, atol=1e-8)
    assert float((expected[0] - expected[1]).detach().abs().max()) > 1e-6, "tells images apart"
    if not training:
        return
    pull = torch.randn_like(actual)
    expected.backward(pull)
    actual.backward(pull)
    for name, parameter in net.named_parameters():
        wanted = expected_of[name].grad
        assert wanted is not None, name
        assert parameter.grad is not None, name
        scale = float(wanted.abs().max()) + 1e-3
        torch.testing.assert_close(parameter.grad, wanted, rtol=1e-6, atol=1e-9 + 1e-7 * scale)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [None, 46, 59])
def test_library(kind: str, size: int | None) -> None:
    """Every kind of network, at its own size and at others."""
    check(small(kind), size)


@pytest.mark.parametrize("filters", [1, 2, 3, 7])
def test_odd_halves(filters: int) -> None:
    """A factorized reduction to any number of filters, one among them."""
    graph = small(halving_genotype(), stem="imagenet", cell_filters=4 * filters)
    (halved,) = (node for _, node in graph.nodes() if node.name == "stem_cells.0.b0.left.1")
    assert (halved.primitive, halved.shape.channels) == ("factorized_reduce", filters)
    check(graph, 46)
    check(graph)


@pytest.mark.parametrize("vocabulary", ["nasnet_timm", "nasnet_keras"])
@pytest.mark.parametrize("size", [45, 46])
def test_other_vocabularies(vocabulary: str, size: int) -> None:
    """Pools that count their padding, and pools that see zeros."""
    check(small(source_network(nasdsl.load("nasnet_a"), ops=vocabulary).genotype, image_size=size))


@pytest.mark.parametrize("seed", range(4))
def test_random_genotypes(seed: int) -> None:
    """Random genotypes on random skeletons, at the graph's size and at another."""
    for index, graph in enumerate(random_graphs(10, 100 + seed, largest=50)):
        check(graph, None if index % 2 else graph.configuration.image_size + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_the_library(kind: str) -> None:
    """In training: batch statistics, and the gradient of every parameter."""
    check(small(kind, drop_path=0.0, dropout=0.0, auxiliary=False), training=True)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_of_random_genotypes(seed: int) -> None:
    """What one op overwrites, no other's gradient needs."""
    for graph in islice(random_graphs(60, 200 + seed, largest=50), 0, None, 10):
        check(without_chance(graph), training=True)


def without_chance(graph: NetworkGraph) -> NetworkGraph:
    """The graph without anything random."""
    return replace(graph, configuration=replace(graph.configuration, drop_path=0.0, dropout=0.0))


#: Ops of a user's own, `x` and `y`, without their last layers.
CHAINS = {
    "even kernels": ("avg_pool(2x2, stride)", "max_pool(4x4, stride)"),
    "even kernels without stride": ("avg_pool(2x2), conv(1x1, stride)", "conv(2x2, stride)"),
    "even maxima": ("max_pool(2x2), conv(1x1, stride)", "depthwise(4x4, stride)"),
    "one direction": ("conv(1x7, stride_x), conv(7x1, stride_y)", "avg_pool(1x3, stride)"),
    "dilation": ("depthwise(3x3, stride, dilation 2, symmetric)", "conv(3x3, stride, dilation 3)"),
    "counted padding": ("avg_pool(3x3, stride, count_padding)", "avg_pool(2x2, stride)"),
    "zeros outside": ("max_pool(5x5, stride, zero_padded)", "max_pool(3x3, stride)"),
    "symmetric": ("avg_pool(3x3, stride, symmetric)", "max_pool(5x5, stride, symmetric)"),
    "zeros and halves": ("relu, factorized_reduce", "zero"),
}


@pytest.mark.parametrize("chains", CHAINS.values(), ids=CHAINS.keys())
@pytest.mark.parametrize("size", range(4, 10))
def test_windows(chains: tuple[str, str], size: int) -> None:
    """Every kind of window, down to maps of one pixel, at every parity."""
    ops = "".join(
        f"op {name} = [{chain}, pointwise, batch_norm]\n"
        for name, chain in zip("xy", chains, strict=True)
    )
    cells = "".join(
        f"cell {kind} {{\n    b0 = (h[i], h[i-1], x, y, add)\n    b1 = (b0, h[i], x, y, add)\n"
        "    output concat(b0, b1)\n}\n"
        for kind in ("normal", "reduction")
    )
    genotype = nasdsl.loads(f"genotype own\nops nasnet\n{ops}{cells}")
    graph = small(genotype, stem="cifar", image_size=size, cell_filters=3)
    check(graph)
    check(graph, size + 1)
