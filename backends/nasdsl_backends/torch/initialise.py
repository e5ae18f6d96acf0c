"""Initial weights, as the released codes draw them.

Purpose: one rule a skeleton; the same seed gives the same weights on every device.
Non-goals: published weights (`nasdsl.weights`).

slim (`nasnet`, `pnasnet`) and AmoebaNet draw kernels and the classifier's matrix with
`variance_scaling_initializer(mode="FAN_OUT")`: a normal distribution of variance
1.3 * 2 / fan-out, cut at two standard deviations; a depthwise kernel's fan-out is its area.
ENAS draws all with `he_normal`: of variance 2 / fan-in, cut likewise; a depthwise kernel's
fan-in is its area times the channels.
DARTS leaves PyTorch's default: uniform within 1 / sqrt(fan-in). Scales are one; shifts are
zero, and so are slim's biases.

Drawing would take most of the time of building a large network. So every layer has a stream
of random bits of its own, layers are drawn in parallel, and bits become weights by a table:
65,536 quantiles of the distribution, all equally likely.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from nasdsl.language.genotype.settings import SkeletonName

_Layer = nn.Conv2d | nn.Linear
_LEVELS = 1 << 16
#: Weights drawn at once: they stay in a core's cache, and PyTorch starts no threads for them.
_CHUNK = 1 << 15
#: From how many weights on threads are worth their start.
_MANY = 1 << 22


def draw_weights(root: nn.Module, rule: SkeletonName, seed: int | None) -> None:
    """Draw the weights and biases of all convolutions and linear layers below `root`.

    Args:
        root: parameters without values (meta and fake tensors) stay as they are.
        rule: the skeleton whose code is followed.
        seed: PyTorch's global generator gives one where it is None.
    """
    layers = [module for module in root.modules() if isinstance(module, _Layer)]
    layers = [layer for layer in layers if _has_values(layer.weight)]
    if not layers:
        return
    if seed is None:
        seed = int(torch.randint(2**62, (), device="cpu"))
    streams = [np.random.SeedSequence(seed, spawn_key=(i,)) for i in range(len(layers))]
    draw = _RULES[rule]
    if sum(layer.weight.numel() for layer in layers) < _MANY:
        for layer, stream in zip(layers, streams, strict=True):
            draw(layer, stream)
        return
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for _ in pool.map(draw, layers, streams):
            pass


def _has_values(weight: Tensor) -> bool:
    return not weight.is_meta and not isinstance(weight, FakeTensor)


def _slim(layer: _Layer, stream: np.random.SeedSequence) -> None:
    weight = layer.weight
    groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
    fan_out = weight.shape[0] // groups * weight[0, 0].numel()
    _draw(weight, _truncated_normal(), math.sqrt(1.3 * 2 / fan_out), np.random.SFC64(stream))
    if layer.bias is not None:
        layer.bias.detach().zero_()


def _darts(layer: _Layer, stream: np.random.SeedSequence) -> None:
    bound, bits = 1 / math.sqrt(layer.weight[0].numel()), np.random.SFC64(stream)
    _draw(layer.weight, _uniform(), bound, bits)
    if layer.bias is not None:
        _draw(layer.bias, _uniform(), bound, bits)


def _enas(layer: _Layer, stream: np.random.SeedSequence) -> None:
    weight = layer.weight
    groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
    fan_in = groups * weight[0].numel()
    _draw(weight, _truncated_normal(), math.sqrt(2 / fan_in), np.random.SFC64(stream))


_RULES: dict[SkeletonName, Callable[[_Layer, np.random.SeedSequence], None]] = {
    "nasnet": _slim,
    "pnasnet": _slim,
    "amoebanet": _slim,
    "enas": _enas,
    "darts": _darts,
}


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
