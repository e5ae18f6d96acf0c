"""Parameters: the names and shapes a network's state has, read off the graph.

Purpose: what layouts name and what loading compares, without torch.
Non-goals: values; anything a backend keeps beside parameters and moving statistics.

The names are the backend's: `<module>.<node>.<tensor>`, `cells.7.b0.left.1.weight`. Kernels
have PyTorch's shape: channels out, channels in for each group, height, width.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from nasdsl.network.graph import NetworkGraph, Node, Primitive

Sizes = tuple[int, ...]


class Parameter(NamedTuple):
    """A parameter or buffer: its shape, and the primitive that owns it."""

    shape: Sizes
    primitive: Primitive


def parameters(graph: NetworkGraph) -> dict[str, Parameter]:
    """Every parameter and every moving statistic of a network, by name."""
    return {
        f"{node.name}.{tensor}": Parameter(shape, node.primitive)
        for _, node in graph.nodes()
        for tensor, shape in tensors(node)
    }


def tensors(node: Node) -> Iterator[tuple[str, Sizes]]:
    """The node's tensors in order, each with its shape; none for most primitives."""
    rule = _RULES.get(node.primitive)
    return rule(node) if rule else iter(())


def _kernel(node: Node) -> Iterator[tuple[str, Sizes]]:
    yield "weight", (node.shape.channels, node.before.channels // node.groups, *node.kernel)


def _halves(node: Node) -> Iterator[tuple[str, Sizes]]:
    filters, channels = node.shape.channels, node.before.channels
    if filters > 1:
        yield "conv0.weight", (filters // 2, channels, 1, 1)
    yield "conv1.weight", (filters - filters // 2, channels, 1, 1)


def _scale_and_shift(node: Node) -> Iterator[tuple[str, Sizes]]:
    yield "weight", (node.shape.channels,)
    yield "bias", (node.shape.channels,)


def _batch_norm(node: Node) -> Iterator[tuple[str, Sizes]]:
    yield from _scale_and_shift(node)
    yield "running_mean", (node.shape.channels,)
    yield "running_var", (node.shape.channels,)
    yield "num_batches_tracked", ()


def _linear(node: Node) -> Iterator[tuple[str, Sizes]]:
    yield "weight", (node.shape.channels, node.before.channels)
    if node.bias:
        yield "bias", (node.shape.channels,)


_RULES: dict[Primitive, Callable[[Node], Iterator[tuple[str, Sizes]]]] = {
    "conv": _kernel,
    "depthwise": _kernel,
    "factorized_reduce": _halves,
    "batch_norm": _batch_norm,
    "layer_norm": _scale_and_shift,
    "instance_norm": _scale_and_shift,
    "linear": _linear,
}
