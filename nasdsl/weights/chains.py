"""Chains: what a part learns, in words that layouts compare.

Purpose: tell a separable convolution from a 1x1 convolution from anything else.
Non-goals: names.
"""

from nasdsl.network.graph import Node, Part
from nasdsl.primitives import PRIMITIVES

#: A separable convolution: depthwise, pointwise, batch norm.
SEPARABLE = ("depthwise", "pointwise", "batch_norm")
#: The same with distance between the taps.
DILATED = ("dilated depthwise", "pointwise", "batch_norm")
PROJECTED = ("pointwise", "batch_norm")
HALVED = ("factorized_reduce", "batch_norm")


def learned(part: Part) -> tuple[Node, ...]:
    """The nodes that have tensors, in order."""
    return tuple(node for node in part.nodes if PRIMITIVES[node.primitive].tensors(node))


def chain(part: Part) -> tuple[str, ...]:
    """A word for each node that has tensors, in order."""
    return tuple(map(_word, learned(part)))


def _word(node: Node) -> str:
    if node.primitive not in ("conv", "depthwise"):
        return node.primitive
    height, width = node.kernel
    if node.primitive == "conv" and (height, width) == (1, 1):
        return "pointwise"
    shape = "" if height == width else f"{height}x{width} "
    return shape + ("dilated " if node.dilation > 1 else "") + node.primitive
