"""Layers: what PyTorch has no exact counterpart of.

Purpose: SAME padding at whatever size comes in, the factorized reduction, normalisations
and pools as the graph defines them. Everything else is PyTorch's own.
Non-goals: which node becomes which layer (`emission`), initial weights (`initialise`).

PyTorch pads both sides alike. TensorFlow's SAME needs a pixel more after than before where a
stride meets an even size; pools get it from `ceil_mode`, which costs no copy, convolutions
from `pad`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Proxy

from nasdsl.primitives import Padding, pad

#: Vertical and horizontal.
Pair = tuple[int, int]


def leaf(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function as a single step for `torch.fx`, which cannot look into it.

    It looks at sizes or types of its first operand, which fx does not know.
    """

    @wraps(function)
    def recorded(x: Tensor | Proxy, *arguments: Any, **options: Any) -> Tensor:
        if isinstance(x, Proxy):
            call = "call_function", recorded, (x, *arguments), options
            return cast("Tensor", x.tracer.create_proxy(*call))
        return function(x, *arguments, **options)

    return recorded


def pads(
    x: Tensor, kernel: Pair, stride: Pair, dilation: int, padding: Padding
) -> tuple[Pair, Pair]:
    """Pixels (top, bottom) and (left, right) of `x`, which may have any size."""
    height, width = x.shape[-2:]
    return (
        pad(height, kernel[0], stride[0], dilation, padding),
        pad(width, kernel[1], stride[1], dilation, padding),
    )


def fixed_pads(kernel: Pair, stride: Pair, dilation: int, padding: Padding) -> Pair | None:
    """Pixels on both sides, vertically and horizontally, where they do not depend on sizes."""
    if padding == "valid":
        return 0, 0
    if padding == "symmetric":
        return dilation * (kernel[0] // 2), dilation * (kernel[1] // 2)
    reach = dilation * (kernel[0] - 1), dilation * (kernel[1] - 1)
    fixed = all(
        pixels == 0 or (step == 1 and pixels % 2 == 0)
        for pixels, step in zip(reach, stride, strict=True)
    )
    return (reach[0] // 2, reach[1] // 2) if fixed else None


def _pair(values: tuple[int, ...]) -> Pair:
    return values[0], values[1]


def padded(x: Tensor, vertical: Pair, horizontal: Pair, value: float = 0.0) -> Tensor:
    """`x` with a border of `value`."""
    return F.pad(x, (*horizontal, *vertical), value=value)


class Conv2d(nn.Conv2d):
    """PyTorch's, without weights of its own: a network draws all its weights at once."""

    def reset_parameters(self) -> None:
        """Nothing; see `initialise`."""


class SameConv2d(Conv2d):
    """A convolution with TensorFlow's SAME padding, worked out from its input's size."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        stride, dilation = _pair(self.stride), self.dilation[0]
        return same_conv(x, self.weight, self.bias, stride, dilation, self.groups)


@leaf
def same_conv(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, dilation: int, groups: int
) -> Tensor:
    """A convolution with TensorFlow's SAME padding."""
    vertical, horizontal = pads(x, _pair(tuple(weight.shape[2:])), stride, dilation, "same")
    both = vertical[0], horizontal[0]
    if vertical[0] != vertical[1] or horizontal[0] != horizontal[1]:
        x, both = padded(x, vertical, horizontal), (0, 0)
    return F.conv2d(x, weight, bias, stride, both, dilation, groups)


class FactorizedReduce(nn.Module):
    """Two 1x1 convolutions of stride 2, the second a pixel further down and right.

    Of an odd number of channels the second gives one more; with one channel there is no
    first. Where a size is odd, the second's last row or column is zeros.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        bias: bool = False,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        first = channels // 2
        second = channels - first
        self.conv0 = (
            Conv2d(in_channels, first, 1, bias=bias, device=device, dtype=dtype) if first else None
        )
        self.conv1 = Conv2d(in_channels, second, 1, bias=bias, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', ceil(H / 2), ceil(W / 2))."""
        # Padding the quarter that is read is cheaper than padding all of it.
        below, beside = x.shape[-2] % 2, x.shape[-1] % 2
        odd: Tensor = self.conv1(padded(x[:, :, 1::2, 1::2], (0, below), (0, beside)))
        if self.conv0 is None:
            return odd
        return torch.cat((self.conv0(x[:, :, ::2, ::2]), odd), 1)


class ChannelNorm(nn.GroupNorm):
    """Layer norm (one group) or instance norm (a group a channel), with scale and shift.

    PyTorch's own modules refuse to normalise one value; here it becomes the shift.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class Classifier(nn.Linear):
    """A fully connected layer over the channels of (B, C) or (B, C, 1, 1)."""

    def reset_parameters(self) -> None:
        """Nothing; see `initialise`."""

    def forward(self, x: Tensor) -> Tensor:
        """To (B, classes)."""
        return super().forward(x.flatten(1))


# -- pools ------------------------------------------------------------------------------


@leaf
def avg_pool(
    x: Tensor, *, kernel: Pair, stride: Pair, padding: Padding, count_padding: bool
) -> Tensor:
    """The mean of each window; its padding is left out unless `count_padding`."""
    vertical, horizontal = pads(x, kernel, stride, 1, padding)
    ceil = _ceil_mode(stride, vertical, horizontal)
    if ceil is not None and not (ceil and count_padding):
        both = vertical[0], horizontal[0]
        return F.avg_pool2d(x, kernel, stride, both, ceil, count_include_pad=count_padding)
    total = F.avg_pool2d(padded(x, vertical, horizontal), kernel, stride)
    if count_padding:
        return total
    inside = padded(x.new_ones((1, 1, *x.shape[-2:])), vertical, horizontal)
    return total / F.avg_pool2d(inside, kernel, stride)


@leaf
def max_pool(
    x: Tensor, *, kernel: Pair, stride: Pair, padding: Padding, zero_padded: bool
) -> Tensor:
    """The maximum of each window; outside the image is nothing, or zero if `zero_padded`."""
    vertical, horizontal = pads(x, kernel, stride, 1, padding)
    ceil = _ceil_mode(stride, vertical, horizontal)
    if ceil is not None and not zero_padded:
        return F.max_pool2d(x, kernel, stride, (vertical[0], horizontal[0]), ceil_mode=ceil)
    border = 0.0 if zero_padded else float("-inf")
    return F.max_pool2d(padded(x, vertical, horizontal, border), kernel, stride)


def _ceil_mode(stride: Pair, vertical: Pair, horizontal: Pair) -> bool | None:
    """Whether windows may overhang the end, or None where PyTorch has no such padding.

    Windows that overhang by one pixel are those that one pixel more of padding would give,
    where the stride is more than one.
    """
    more = vertical[1] - vertical[0], horizontal[1] - horizontal[0]
    if more == (0, 0):
        return False
    fits = all(
        extra == 0 or (extra == 1 and step > 1) for extra, step in zip(more, stride, strict=True)
    )
    return True if fits else None


# -- the rest ---------------------------------------------------------------------------


@leaf
def zeros(x: Tensor, *, channels: int, stride: Pair) -> Tensor:
    """Zeros of `channels` channels at the size a strided layer would give.

    Where `x` has a gradient the zeros are a product with it, as in DARTS: so every parameter
    before them gets a gradient, and what needs one for each (DistributedDataParallel) works.
    """
    height, width = x.shape[-2:]
    size = x.shape[0], channels, -(-height // stride[0]), -(-width // stride[1])
    made = x.new_zeros(size)
    return made + 0 * x[:, :1, :: stride[0], :: stride[1]] if x.requires_grad else made


def mean(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C): the mean over height and width."""
    return x.mean((2, 3))


def same(x: Tensor) -> Tensor:
    """The input."""
    return x


def total(*states: Tensor) -> Tensor:
    """The sum of all inputs."""
    first, *rest = states
    for state in rest:
        first = first + state
    return first


@leaf
def total_into(*states: Tensor) -> Tensor:
    """The sum of all inputs, made in the first where that loses no precision."""
    first, *rest = states
    for state in rest:
        # Under autocast an op's result may be narrower than a state that passes through.
        first = first.add_(state) if first.dtype == state.dtype else first + state
    return first


def joined(*states: Tensor) -> Tensor:
    """All inputs, concatenated over their channels."""
    return torch.cat(states, 1)
