"""Initial weights, as the released codes draw them.

Purpose: what a skeleton's `Initialisation` says; the same seed gives the same weights on every
device. Scales are one and shifts are zero.
Non-goals: published weights (`nasdsl.weights`).

Drawing would take most of the time of building a large network. So every layer has a stream
of random bits of its own, layers are drawn in parallel, and bits become weights by a table:
65,536 quantiles of the distribution, all equally likely.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from nasdsl.network.skeleton import SKELETONS, Initialisation

_Layer = nn.Conv2d | nn.Linear
_LEVELS = 1 << 16
#: Weights drawn at once: they stay in a core's cache, and PyTorch starts no threads for them.
_CHUNK = 1 << 15
#: From how many weights on threads are worth their start.
_MANY = 1 << 22


def draw_weights(root: nn.Module, skeleton: str, seed: int | None) -> None:
    """Draw the weights and biases of all convolutions and linear layers below `root`.

    Args:
        root: parameters without values (meta and fake tensors) stay as they are.
        skeleton: whose rule is followed.
        seed: PyTorch's global generator gives one where it is None.
    """
    layers = [module for module in root.modules() if isinstance(module, _Layer)]
    layers = [layer for layer in layers if _has_values(layer.weight)]
    if not layers:
        return
    if seed is None:
        seed = int(torch.randint(2**62, (), device="cpu"))
    streams = [np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(len(layers))]
    rule = SKELETONS.find(skeleton).initialisation
    draw = partial(_uniformly if rule.distribution == "uniform" else _normally, rule)
    if sum(layer.weight.numel() for layer in layers) < _MANY:
        for layer, stream in zip(layers, streams, strict=True):
            draw(layer, stream)
        return
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for _ in pool.map(draw, layers, streams):
            pass


def _has_values(weight: Tensor) -> bool:
    return not weight.is_meta and not isinstance(weight, FakeTensor)


def _normally(rule: Initialisation, layer: _Layer, stream: np.random.SeedSequence) -> None:
    weight = layer.weight
    groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
    if rule.fan == "out":
        fan = weight.shape[0] // groups * weight[0, 0].numel()
    else:
        fan = groups * weight[0].numel()
    scale = math.sqrt(math.prod(rule.factors) / fan)
    _draw(weight, _truncated_normal(), scale, np.random.SFC64(stream))
    if layer.bias is not None:
        layer.bias.detach().zero_()


def _uniformly(rule: Initialisation, layer: _Layer, stream: np.random.SeedSequence) -> None:
    bound, bits = 1 / math.sqrt(layer.weight[0].numel()), np.random.SFC64(stream)
    _draw(layer.weight, _uniform(), bound, bits)
    if layer.bias is not None:
        _draw(layer.bias, _uniform(), bound, bits)


def _draw(weight: Tensor, quantiles: Tensor, scale: float, bits: np.random.SFC64) -> None:
    """Fill with quantiles, each as likely as the others, times `scale`."""
    weight = weight.detach()
    direct = weight.device.type == "cpu" and weight.dtype == torch.float32
    drawn = weight if direct and weight.is_contiguous() else torch.empty(weight.shape, device="cpu")
    flat = drawn.view(-1)
    scales_table = flat.numel() > _LEVELS
    if scales_table:
        # numpy, which starts no threads.
        quantiles = torch.from_numpy(quantiles.numpy() * np.float32(scale))
    for chunk in torch.split(flat, _CHUNK):
        # A random number of 64 bits makes four indices of 16.
        raw = bits.random_raw(-(-chunk.numel() // 4)).view(np.uint16)
        index = torch.from_numpy(raw).int()[: chunk.numel()]
        torch.index_select(quantiles, 0, index, out=chunk)
    if not scales_table:
        flat.mul_(scale)
    if drawn is not weight:
        weight.copy_(drawn)


@cache
def _truncated_normal() -> Tensor:
    """Quantiles of the standard normal distribution cut at -2 and 2."""
    inside = math.erf(math.sqrt(2))
    return torch.erfinv(_levels() * inside).mul(math.sqrt(2)).float()


@cache
def _uniform() -> Tensor:
    """Quantiles of the uniform distribution from -1 to 1."""
    return _levels().float()


def _levels() -> Tensor:
    steps = torch.arange(_LEVELS, dtype=torch.float64, device="cpu")
    return (steps + 0.5) * (2 / _LEVELS) - 1
