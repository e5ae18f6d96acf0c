"""Sizes of windows: the arithmetic of padding and stride.

Purpose: one place for the three kinds of padding, read by the expansion, the verifier and
the backends.
Non-goals: which layer stands where.
"""

from nasdsl.network.graph import Node, Padding


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
