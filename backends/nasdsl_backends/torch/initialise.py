"""Initial weights, as the released codes draw them.

Purpose: one rule a skeleton; the same seed gives the same weights on every device.
Non-goals: published weights (`nasdsl.weights`).

slim (`nasnet`, `pnasnet`) draws kernels and the classifier's matrix with
`variance_scaling_initializer(mode="FAN_OUT")`: a normal distribution of variance
1.3 * 2 / fan-out, cut at two standard deviations; a depthwise kernel's fan-out is its area.
DARTS leaves PyTorch's default: uniform within 1 / sqrt(fan-in). Scales are one; shifts are
zero, and so are slim's biases.

Drawing most of the time that building a large network takes, weights are drawn by a fast
generator from a table: 65,536 quantiles of the distribution, all equally likely.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from nasdsl.genotype.settings import SkeletonName

_LEVELS = 1 << 16
#: Weights drawn at once: they stay in a core's cache, and PyTorch starts no threads for them.
_CHUNK = 1 << 15


def initialise(root: nn.Module, rule: SkeletonName, seed: int | None) -> None:
    """Draw all weights below `root` anew, and reset moving statistics.

    Args:
        root: parameters on the meta device stay as they are.
        rule: the skeleton whose code is followed.
        seed: PyTorch's global generator gives one where it is None.
    """
    if seed is None:
        seed = int(torch.randint(2**62, (), device="cpu"))
    bits = np.random.SFC64(seed)
    with torch.no_grad():
        for module in root.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and not module.weight.is_meta:
                _RULES[rule](module, bits)
            elif isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm):
                module.reset_parameters()


def _slim(layer: nn.Conv2d | nn.Linear, bits: np.random.SFC64) -> None:
    weight = layer.weight
    groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
    fan_out = weight.shape[0] // groups * weight[0, 0].numel()
    _draw(weight, _truncated_normal(), math.sqrt(1.3 * 2 / fan_out), bits)
    if layer.bias is not None:
        layer.bias.zero_()


def _darts(layer: nn.Conv2d | nn.Linear, bits: np.random.SFC64) -> None:
    bound = 1 / math.sqrt(layer.weight[0].numel())
    _draw(layer.weight, _uniform(), bound, bits)
    if layer.bias is not None:
        _draw(layer.bias, _uniform(), bound, bits)


_RULES: dict[SkeletonName, Callable[[nn.Conv2d | nn.Linear, np.random.SFC64], None]] = {
    "nasnet": _slim,
    "pnasnet": _slim,
    "darts": _darts,
}


def _draw(weight: Tensor, quantiles: Tensor, scale: float, bits: np.random.SFC64) -> None:
    """Fill with quantiles, each as likely as the others, times `scale`."""
    direct = weight.device.type == "cpu" and weight.dtype == torch.float32
    drawn = weight if direct and weight.is_contiguous() else torch.empty(weight.shape, device="cpu")
    for chunk in drawn.view(-1).split(_CHUNK):
        # Four indices of 16 bits to a number of 64; torch has no unsigned index, so mask.
        raw = bits.random_raw(-(-chunk.numel() // 4)).view(np.int16)
        index = torch.from_numpy(raw)[: chunk.numel()].int().bitwise_and_(_LEVELS - 1)
        torch.index_select(quantiles, 0, index, out=chunk)
        chunk.mul_(scale)
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
