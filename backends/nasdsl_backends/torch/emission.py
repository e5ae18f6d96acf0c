"""The table: what each primitive of the graph becomes in PyTorch.

Purpose: one record a primitive, in one table.
Non-goals: the order of nodes and who owns which tensor (`program`).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.network.configuration import Configuration
from nasdsl.primitives import Node
from nasdsl_backends.torch import layers

Function = Callable[..., Tensor]


class Target(NamedTuple):
    """Where parameters are made, and what concerns the whole network."""

    configuration: Configuration
    device: torch.device | None = None
    dtype: torch.dtype | None = None


def _relu(node: Node) -> Function:
    return F.relu


def _convolution(node: Node, target: Target) -> nn.Module:
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
        bias=node.bias,
        device=target.device,
        dtype=target.dtype,
    )


def _batch_norm(node: Node, target: Target) -> nn.Module:
    chosen = target.configuration
    return nn.BatchNorm2d(
        node.shape.channels,
        chosen.batch_norm_epsilon,
        chosen.batch_norm_momentum,
        device=target.device,
        dtype=target.dtype,
    )


def _layer_norm(node: Node, target: Target) -> nn.Module:
    return _channel_norm(1, node, target)


def _instance_norm(node: Node, target: Target) -> nn.Module:
    return _channel_norm(node.shape.channels, node, target)


def _channel_norm(groups: int, node: Node, target: Target) -> nn.Module:
    epsilon = target.configuration.batch_norm_epsilon
    return layers.ChannelNorm(
        groups, node.shape.channels, epsilon, device=target.device, dtype=target.dtype
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


def _factorized_reduce(node: Node, target: Target) -> nn.Module:
    return layers.FactorizedReduce(
        node.before.channels, node.shape.channels, node.bias, target.device, target.dtype
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


def _dropout(node: Node, target: Target) -> nn.Module:
    return nn.Dropout(target.configuration.dropout)


def _linear(node: Node, target: Target) -> nn.Module:
    return layers.Classifier(
        node.before.channels, node.shape.channels, node.bias, target.device, target.dtype
    )


class ModuleEmission(NamedTuple):
    """What a primitive becomes.

    Attributes:
        module: makes its layer, where it has parameters or behaves differently in training.
        function: makes the function of its inputs that it is otherwise. A path that may be
            dropped is handed on; in training, the module that runs it multiplies it by a mask.
        in_place: computes it in the memory of its first input, where nothing else reads that.
        gives_away: whether it makes a new tensor which its own gradient does not need.
        hands_on: whether it gives the tensor that it was given.
        copied: whether its layer is a single module, so that equal ones may be copied.
    """

    module: Callable[[Node, Target], nn.Module] | None = None
    function: Callable[[Node], Function] | None = None
    in_place: Function | None = None
    gives_away: bool = False
    hands_on: bool = False
    copied: bool = False


EMISSIONS: dict[str, ModuleEmission] = {
    "relu": ModuleEmission(function=_relu, in_place=F.relu_),
    "conv": ModuleEmission(_convolution, gives_away=True, copied=True),
    "depthwise": ModuleEmission(_convolution, gives_away=True, copied=True),
    "batch_norm": ModuleEmission(_batch_norm, gives_away=True, copied=True),
    "layer_norm": ModuleEmission(_layer_norm, gives_away=True),
    "instance_norm": ModuleEmission(_instance_norm, gives_away=True),
    "avg_pool": ModuleEmission(function=_avg_pool, gives_away=True),
    "max_pool": ModuleEmission(function=_max_pool, gives_away=True),
    "factorized_reduce": ModuleEmission(_factorized_reduce, gives_away=True),
    "zero": ModuleEmission(function=_zero, gives_away=True),
    "identity": ModuleEmission(function=_identity, hands_on=True),
    "sum": ModuleEmission(function=_sum, in_place=layers.total_into, gives_away=True),
    "concat": ModuleEmission(function=_concat, gives_away=True),
    "drop_path": ModuleEmission(function=_identity, hands_on=True),
    "global_avg_pool": ModuleEmission(function=_global_avg_pool),
    "dropout": ModuleEmission(_dropout),
    "linear": ModuleEmission(_linear),
}
