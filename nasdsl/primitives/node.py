"""`Node`: one primitive at one place, with its shapes; and the arithmetic of windows.

Purpose: what the rules of a primitive are about. It stands below the language and the
network, so that both read one table.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Padding = Literal["same", "symmetric", "valid"]


class Shape(NamedTuple):
    """Channels, height and width of one state; a vector has height and width 1."""

    channels: int
    height: int
    width: int

    @property
    def elements(self) -> int:
        """How many numbers one image makes of it."""
        return self.channels * self.height * self.width

    def __str__(self) -> str:
        return f"{self.channels} channels of {self.height}x{self.width}"


class Node(NamedTuple):
    """One primitive at one place; `nasdsl.primitives.PRIMITIVES` says what it computes.

    Attributes:
        name: unique in the body; the parameter path after the module's name.
        primitive: a name of `PRIMITIVES`.
        inputs: names of ports or of earlier nodes, by operand slot. One name may fill two.
        before: shape of the first input.
        shape: shape of what comes out.
        kernel: height and width of the window.
        stride: vertical and horizontal.
        dilation: distance between kernel taps, both ways.
        padding: `same` as TensorFlow's, `symmetric` as PyTorch's k // 2, `valid` none.
            `pads` gives the pixels.
        count_padding: an average pool divides by the kernel's area, padding included.
        zero_padded: a maximum pool sees zeros outside the image.
        bias: whether a vector is added, a number a channel: by `linear`, and by convolutions
            that a pass has folded a normalisation into.
    """

    name: str
    primitive: str
    inputs: tuple[str, ...]
    before: Shape
    shape: Shape
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: int = 1
    padding: Padding = "same"
    count_padding: bool = False
    zero_padded: bool = False
    bias: bool = False

    @property
    def groups(self) -> int:
        """Into how many groups a convolution splits the channels."""
        return self.before.channels if self.primitive == "depthwise" else 1

    def reading(self, stands_for: Mapping[str, str]) -> "Node":
        """The node with other names of inputs, by name; itself where it has none of these."""
        if not any(name in stands_for for name in self.inputs):
            return self
        return self._replace(inputs=tuple(stands_for.get(name, name) for name in self.inputs))


def window_size(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> int:
    """How many windows of `kernel` taps fit along `size` pixels; 0 or less where none does.

    `same` is TensorFlow's SAME: ceil(size / stride). `symmetric` pads both sides with
    dilation * (kernel // 2) pixels, as PyTorch code does by hand. `valid` pads nothing.
    """
    if padding == "same":
        return -(-size // stride)
    reach = dilation * (kernel - 1) + 1
    padded = size + 2 * dilation * (kernel // 2) if padding == "symmetric" else size
    return (padded - reach) // stride + 1


def pads(node: Node) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels before and after: ((top, bottom), (left, right)), for the node's own size."""
    (kernel_y, kernel_x), (stride_y, stride_x) = node.kernel, node.stride
    return (
        pad(node.before.height, kernel_y, stride_y, node.dilation, node.padding),
        pad(node.before.width, kernel_x, stride_x, node.dilation, node.padding),
    )


def pad(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> tuple[int, int]:
    """Pixels before and after `size` pixels; see `window_size` for the kinds of padding."""
    if padding == "valid":
        return 0, 0
    if padding == "symmetric":
        return dilation * (kernel // 2), dilation * (kernel // 2)
    # TensorFlow puts the odd pixel after.
    covered = (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1
    missing = max(covered - size, 0)
    return missing // 2, missing - missing // 2
