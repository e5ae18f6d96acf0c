"""The table: what each primitive of the graph becomes in PyTorch.

Purpose: one entry a primitive, in one of two tables.
Non-goals: the order of nodes and who owns which tensor (`plan`).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.network.configuration import Configuration
from nasdsl.network.graph import Node, Primitive
from nasdsl_backends.torch import layers

Function = Callable[..., Tensor]


class Place(NamedTuple):
    """Where parameters are made, and what concerns the whole network."""

    configuration: Configuration
    device: torch.device | None = None
    dtype: torch.dtype | None = None


def _relu(node: Node) -> Function:
    return F.relu


def _convolution(node: Node, place: Place) -> nn.Module:
    fixed = layers.fixed_pads(node.kernel, node.stride, node.dilation, node.padding)
    kind = layers.SameConv2d if fixed is None else layers.Conv2d
    return kind(
        node.before.channels,
        node.shape.channels,
        node.kernel,
        node.stride,
        fixed or (0, 0),
        node.dilation,
        node.groups,
        bias=False,
        device=place.device,
        dtype=place.dtype,
    )


def _batch_norm(node: Node, place: Place) -> nn.Module:
    chosen = place.configuration
    return nn.BatchNorm2d(
        node.shape.channels,
        chosen.batch_norm_epsilon,
        chosen.batch_norm_momentum,
        device=place.device,
        dtype=place.dtype,
    )


def _layer_norm(node: Node, place: Place) -> nn.Module:
    return _channel_norm(1, node, place)


def _instance_norm(node: Node, place: Place) -> nn.Module:
    return _channel_norm(node.shape.channels, node, place)


def _channel_norm(groups: int, node: Node, place: Place) -> nn.Module:
    epsilon = place.configuration.batch_norm_epsilon
    return layers.ChannelNorm(
        groups, node.shape.channels, epsilon, device=place.device, dtype=place.dtype
    )


def _avg_pool(node: Node) -> Function:
    return partial(
        layers.avg_pool,
        kernel=node.kernel,
        stride=node.stride,
        padding=node.padding,
        count_padding=node.count_padding,
    )


def _max_pool(node: Node) -> Function:
    return partial(
        layers.max_pool,
        kernel=node.kernel,
        stride=node.stride,
        padding=node.padding,
        zero_padded=node.zero_padded,
    )


def _factorized_reduce(node: Node, place: Place) -> nn.Module:
    return layers.FactorizedReduce(
        node.before.channels, node.shape.channels, place.device, place.dtype
    )


def _zero(node: Node) -> Function:
    return partial(layers.zeros, channels=node.shape.channels, stride=node.stride)


def _identity(node: Node) -> Function:
    return layers.same


def _sum(node: Node) -> Function:
    return layers.total


def _concat(node: Node) -> Function:
    return layers.joined


def _global_avg_pool(node: Node) -> Function:
    return layers.mean


def _dropout(node: Node, place: Place) -> nn.Module:
    return nn.Dropout(place.configuration.dropout)


def _linear(node: Node, place: Place) -> nn.Module:
    return layers.Classifier(
        node.before.channels, node.shape.channels, node.bias, place.device, place.dtype
    )


#: Primitives with parameters, or that behave differently in training, become modules.
MODULES: dict[Primitive, Callable[[Node, Place], nn.Module]] = {
    "conv": _convolution,
    "depthwise": _convolution,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "instance_norm": _instance_norm,
    "factorized_reduce": _factorized_reduce,
    "dropout": _dropout,
    "linear": _linear,
}
#: All others become functions of their inputs. A path that may be dropped is handed on; in
#: training, the module that runs it multiplies it by a mask.
FUNCTIONS: dict[Primitive, Callable[[Node], Function]] = {
    "relu": _relu,
    "avg_pool": _avg_pool,
    "max_pool": _max_pool,
    "zero": _zero,
    "identity": _identity,
    "sum": _sum,
    "concat": _concat,
    "drop_path": _identity,
    "global_avg_pool": _global_avg_pool,
}

#: What may be computed in its input's memory, where nothing else reads that.
IN_PLACE: dict[Primitive, Function] = {"relu": F.relu_, "sum": layers.total_into}
#: Primitives that make a new tensor which their own gradient does not need.
GIVES_AWAY: frozenset[Primitive] = frozenset(
    {
        "conv",
        "depthwise",
        "batch_norm",
        "layer_norm",
        "instance_norm",
        "avg_pool",
        "max_pool",
        "factorized_reduce",
        "zero",
        "sum",
        "concat",
    }
)
#: Primitives that hand their input on.
HANDS_ON: frozenset[Primitive] = frozenset({"identity", "drop_path"})
