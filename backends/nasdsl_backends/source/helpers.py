"""Helpers: small pieces of PyTorch that a generated file has where it uses them.

Purpose: their text, and which of them need others.
Non-goals: when they are used (`emission`).
"""

from typing import NamedTuple


class Helper(NamedTuple):
    """A function or class of the generated file, and the names it needs."""

    text: str
    needs: tuple[str, ...] = ()


HELPERS: dict[str, Helper] = {
    "batch_norm": Helper('''\
def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with the network's epsilon and momentum."""
    return nn.BatchNorm2d(channels, EPSILON, MOMENTUM)
'''),
    "ChannelNorm": Helper('''\
class ChannelNorm(nn.GroupNorm):
    """Layer norm (one group) or instance norm (a group a channel), with scale and shift."""

    def forward(self, x: Tensor) -> Tensor:
        # Unlike PyTorch's own forward, this also takes maps of a single pixel.
        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
'''),
    "same_padding": Helper('''\
def same_padding(
    x: Tensor, kernel: tuple[int, int], stride: tuple[int, int], dilation: int = 1
) -> tuple[int, int, int, int]:
    """TensorFlow's SAME: pixels to the left, right, top and bottom of `x`."""
    pads = []
    for size, taps, step in zip(x.shape[:1:-1], kernel[::-1], stride[::-1]):
        covered = (-(-size // step) - 1) * step + dilation * (taps - 1) + 1
        missing = max(covered - size, 0)
        pads += [missing // 2, missing - missing // 2]
    return tuple(pads)
'''),
    "pair": Helper('''\
def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width."""
    return value if isinstance(value, tuple) else (value, value)
'''),
    "SameConv2d": Helper(
        '''\
class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, whatever the size of its input."""

    def forward(self, x: Tensor) -> Tensor:
        pads = same_padding(x, self.kernel_size, self.stride, self.dilation[0])
        return super().forward(F.pad(x, pads) if any(pads) else x)
''',
        ("same_padding", "F"),
    ),
    "SameAvgPool2d": Helper(
        '''\
class SameAvgPool2d(nn.Module):
    """The mean of each window with TensorFlow's SAME padding.

    Pixels of the padding are left out of the mean unless `count_padding`.
    """

    def __init__(
        self,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int],
        count_padding: bool = False,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.count_padding = pair(kernel), pair(stride), count_padding

    def forward(self, x: Tensor) -> Tensor:
        pads = same_padding(x, self.kernel, self.stride)
        mean = F.avg_pool2d(F.pad(x, pads), self.kernel, self.stride)
        if self.count_padding or not any(pads):
            return mean
        inside = F.pad(x.new_ones((1, 1, *x.shape[2:])), pads)
        return mean / F.avg_pool2d(inside, self.kernel, self.stride)
''',
        ("pair", "same_padding", "F"),
    ),
    "SameMaxPool2d": Helper(
        '''\
class SameMaxPool2d(nn.Module):
    """The maximum of each window with TensorFlow's SAME padding; `border` lies outside."""

    def __init__(
        self,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int],
        border: float = float("-inf"),
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.border = pair(kernel), pair(stride), border

    def forward(self, x: Tensor) -> Tensor:
        pads = same_padding(x, self.kernel, self.stride)
        return F.max_pool2d(F.pad(x, pads, value=self.border), self.kernel, self.stride)
''',
        ("pair", "same_padding", "F"),
    ),
    "FactorizedReduce": Helper(
        '''\
class FactorizedReduce(nn.Module):
    """Two 1x1 convolutions of stride 2, the second shifted by a pixel, concatenated."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        first = filters // 2
        self.conv0 = nn.Conv2d(channels, first, 1, bias=False) if first else None
        self.conv1 = nn.Conv2d(channels, filters - first, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # An odd size lacks a last row or column for the second; it gets zeros.
        shifted = F.pad(x[:, :, 1::2, 1::2], (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        odd = self.conv1(shifted)
        return odd if self.conv0 is None else torch.cat((self.conv0(x[:, :, ::2, ::2]), odd), 1)
''',
        ("F",),
    ),
    "Zero": Helper(
        '''\
class Zero(nn.Module):
    """Zeros, of as many channels and as small as a strided layer would give."""

    def __init__(self, channels: int, stride: int | tuple[int, int] = 1) -> None:
        super().__init__()
        self.channels, self.stride = channels, pair(stride)

    def forward(self, x: Tensor) -> Tensor:
        # A product with x, so that what comes before gets a gradient, of zeros.
        small = 0 * x[:, :1, :: self.stride[0], :: self.stride[1]]
        return small.expand(-1, self.channels, -1, -1).contiguous()
''',
        ("pair",),
    ),
    "Add": Helper('''\
class Add(nn.Module):
    """The sum of two states."""

    def forward(self, states: tuple[Tensor, Tensor]) -> Tensor:
        return states[0] + states[1]
'''),
    "Concat": Helper('''\
class Concat(nn.Module):
    """Two states, concatenated over their channels."""

    def forward(self, states: tuple[Tensor, Tensor]) -> Tensor:
        return torch.cat(states, 1)
'''),
    "Parts": Helper('''\
class Parts(nn.Module):
    """Modules by name: the ops of a block, or what fits the states of an output."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
'''),
    "drop_path": Helper('''\
def drop_path(x: Tensor, keep: Tensor | None) -> Tensor:
    """Keep the path of each image with probability `keep`, and make up for the others."""
    if keep is None:
        return x
    kept = torch.rand((x.shape[0], 1, 1, 1), device=x.device) < keep
    return x * (kept / keep).to(x.dtype)
'''),
}


def with_needed(names: set[str]) -> set[str]:
    """The names and all that they need."""
    found: set[str] = set()
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += HELPERS[name].needs if name in HELPERS else ()
    return found
