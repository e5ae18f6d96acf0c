"""Whether something computes what a network does: its logits for random images.

Purpose: one rule for files, for optimised networks and for runtimes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nasdsl.errors import cell_error
from nasdsl.network.graph import NetworkGraph

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Module

#: The largest difference, relative to the largest logit, by dtype.
_TOLERANCES = {"float64": 1e-5, "float32": 1e-5, "float16": 5e-3, "bfloat16": 5e-2}
#: Two batch sizes, so that a file with a fixed one is found out. The first is exported with.
BATCHES = (2, 1)


def random_images(
    graph: NetworkGraph, dtype: "torch.dtype", stride: int | None = None
) -> list["Tensor"]:
    """Batches of random images, the same each time.

    Args:
        graph: whose images they are.
        dtype: of the images.
        stride: adds images of other sizes, which differ by multiples of it.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    size = graph.image
    shapes = [(batch, size.channels, size.height, size.width) for batch in BATCHES]
    if stride:
        shapes.append((1, size.channels, size.height + stride, size.width + 3 * stride))
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


def finite_logits(net: "Module", images: Sequence["Tensor"]) -> list["Tensor"]:
    """What a network in evaluation gives for each batch.

    Raises:
        CellError: NAS706, they are not all finite: there is nothing to compare with.
    """
    import torch

    with torch.inference_mode():
        found = [net(batch).clone() for batch in images]
    if not all(bool(logits.isfinite().all()) for logits in found):
        raise cell_error(
            "NAS706",
            "the logits of the network are not finite, so nothing can be compared with them",
            "training may have diverged",
        )
    return found


def relative_error_of(expected: Sequence["Tensor"], found: Sequence["Tensor"], what: str) -> float:
    """The largest difference, relative to the largest logit of the batch.

    Args:
        expected: what the network gives for each batch.
        found: what should be the same.
        what: in words, what gave it.

    Raises:
        CellError: NAS705, it is too large or the shapes differ.
    """
    import torch

    worst = 0.0
    for ours, theirs in zip(expected, found, strict=True):
        if ours.shape != theirs.shape:
            shapes = f"{tuple(theirs.shape)} in place of {tuple(ours.shape)}"
            raise cell_error("NAS705", f"{what} gives logits of shape {shapes}", _KEPT)
        exact = ours.to(torch.float64)
        scale = exact.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
        error = float((theirs.to(torch.float64) - exact).abs().max() / scale)
        worst = max(worst, error) if error == error else error
    most = _TOLERANCES[str(expected[0].dtype).removeprefix("torch.")]
    if not worst <= most:
        raise cell_error(
            "NAS705",
            f"{what} differs from the network by {worst:.2g} relative to the largest logit, more "
            f"than {most:g}",
            _KEPT,
        )
    return worst


_KEPT = "it was not kept; please report how to reproduce this"
