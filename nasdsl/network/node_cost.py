"""What one primitive costs.

Purpose: the counting rules, one entry a primitive.
Non-goals: adding up (`nasdsl.network.cost`).

Rules, as in the published tables:

- parameters: what is trained. Convolutions and the fully connected layer's matrix and bias;
  scale and shift of every normalisation. Batch norm's moving mean and variance are counted
  apart, as Keras' "total" does.
- mult-adds: of convolutions and fully connected layers, for one image. Multiplying and adding
  count as one; biases, normalisations, pools and sums are left out.
- activations: the numbers a primitive writes, for one image. What passes its input through at
  inference (identity, drop_path, dropout) writes nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from nasdsl.network.graph import Node, Primitive


class Count(NamedTuple):
    """Numbers that add up.

    Attributes:
        params: trained parameters.
        statistics: batch norm's moving means and variances.
        mult_adds: multiply-accumulate operations for one image.
        activations: numbers written for one image.
    """

    params: int
    statistics: int
    mult_adds: int
    activations: int


NOTHING = Count(0, 0, 0, 0)


def node_count(node: Node) -> Count:
    """What a node costs."""
    return _RULES[node.primitive](node)


def _free(node: Node) -> Count:
    return NOTHING


def _writes(node: Node) -> Count:
    channels, height, width = node.shape
    return Count(0, 0, 0, channels * height * width)


def _convolution(node: Node) -> Count:
    channels, height, width = node.shape
    weights = node.kernel[0] * node.kernel[1] * node.before.channels * channels
    return Count(weights, 0, weights * height * width, channels * height * width)


def _depthwise(node: Node) -> Count:
    channels, height, width = node.shape
    weights = node.kernel[0] * node.kernel[1] * channels
    return Count(weights, 0, weights * height * width, channels * height * width)


def _batch_norm(node: Node) -> Count:
    channels, height, width = node.shape
    return Count(2 * channels, 2 * channels, 0, channels * height * width)


def _norm(node: Node) -> Count:
    channels, height, width = node.shape
    return Count(2 * channels, 0, 0, channels * height * width)


def _linear(node: Node) -> Count:
    classes, features = node.shape.channels, node.before.channels
    # After the auxiliary classifier's last convolution and after a mean, sizes are 1x1.
    biases = classes if node.bias else 0
    return Count(features * classes + biases, 0, features * classes, classes)


_RULES: dict[Primitive, Callable[[Node], Count]] = {
    "relu": _writes,
    "conv": _convolution,
    "depthwise": _depthwise,
    "batch_norm": _batch_norm,
    "layer_norm": _norm,
    "instance_norm": _norm,
    "avg_pool": _writes,
    "max_pool": _writes,
    # Its two 1x1 convolutions share the filters between them, so they cost as much as one.
    "factorized_reduce": _convolution,
    "zero": _writes,
    "identity": _free,
    "sum": _writes,
    "concat": _writes,
    "drop_path": _free,
    "global_avg_pool": _writes,
    "dropout": _free,
    "linear": _linear,
}
