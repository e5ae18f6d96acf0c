"""The pass `fold`: batch norm becomes a part of the convolution before it.

Purpose: in evaluation batch norm multiplies each channel by a number and adds another. The
convolution can do both: with weights that are multiplied, and a bias.
Non-goals: batch norm after anything else, which stays.

The convolution takes the place and the name of the batch norm: `b0.left.2.weight` is a kernel
then, and `b0.left.2.bias` what is added.
"""

from functools import partial
from typing import Any

from nasdsl.network.derived import Derived
from nasdsl.network.graph import Body, NetworkGraph, Node
from nasdsl.passes.bodies import Rewritten, readers_of, with_bodies, with_nodes
from nasdsl.passes.pipeline import Pass
from nasdsl.primitives import PRIMITIVES

_CONVOLUTIONS = ("conv", "depthwise", "factorized_reduce")


def folded(graph: NetworkGraph) -> NetworkGraph:
    """The graph without batch norms that follow a convolution nothing else reads."""
    epsilon = graph.configuration.batch_norm_epsilon
    return with_bodies(graph, partial(_folded_body, epsilon=epsilon))


def _folded_body(body: Body, epsilon: float) -> Rewritten:
    readers = readers_of(body)
    nodes = {node.name: node for node in body.nodes}
    changed: dict[str, tuple[Node, ...]] = {}
    tensors: dict[str, Derived] = {}
    for norm in body.nodes:
        source = nodes.get(norm.inputs[0])
        if norm.primitive != "batch_norm" or source is None:
            continue
        alone = len(readers[source.name]) == 1 and source.name not in body.outputs
        if source.primitive in _CONVOLUTIONS and alone:
            made = source._replace(name=norm.name, bias=True)
            nodes[norm.name] = made
            changed |= {source.name: (), norm.name: (made,)}
            tensors |= _tensors(source, norm.name, tensors, epsilon)
    return Rewritten(with_nodes(body, changed), tensors) if changed else Rewritten(body)


def _tensors(
    source: Node, norm: str, known: dict[str, Derived], epsilon: float
) -> dict[str, Derived]:
    """The tensors of a convolution, under the name of the batch norm that it takes in."""

    def one(name: str) -> str | Derived:
        return known.get(name, name)

    gamma, beta, mean, variance = (
        one(f"{norm}.{name}") for name in ("weight", "bias", "running_mean", "running_var")
    )
    made: dict[str, Derived] = {}
    first = 0
    for tensor in PRIMITIVES[source.primitive].tensors(source._replace(bias=False)):
        # A factorized reduction has two kernels, each for some of the channels.
        channels = slice(first, first := first + tensor.sizes[0])
        path = tensor.name.removesuffix("weight")
        scale = Derived(partial(_scale, channels, epsilon), (gamma, variance))
        weight = one(f"{source.name}.{path}weight")
        made[f"{norm}.{path}weight"] = Derived(_scaled, (weight, scale))
        shift = Derived(partial(_shift, channels), (beta, mean, scale))
        if source.bias:
            bias = Derived(_scaled, (one(f"{source.name}.{path}bias"), scale))
            shift = Derived(_added, (bias, shift))
        made[f"{norm}.{path}bias"] = shift
    return made


def _scale(channels: slice, epsilon: float, gamma: Any, variance: Any) -> Any:
    """A factor for each channel: gamma / sqrt(variance + epsilon)."""
    return gamma[channels] * (variance[channels] + epsilon) ** -0.5


def _scaled(tensor: Any, scale: Any) -> Any:
    """A kernel or bias with each of its channels multiplied."""
    return tensor * scale.reshape(-1, *[1] * (tensor.ndim - 1))


def _shift(channels: slice, beta: Any, mean: Any, scale: Any) -> Any:
    """What each channel adds: beta - mean * scale."""
    return beta[channels] - mean[channels] * scale


def _added(one: Any, other: Any) -> Any:
    return one + other


PASS = Pass("fold", folded, "make batch norm a part of the convolution before it", inference=True)
