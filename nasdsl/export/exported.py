"""`Export`: what is written into a file."""

from typing import TYPE_CHECKING, NamedTuple

from nasdsl.network.graph import NetworkGraph

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class Export(NamedTuple):
    """A network to write.

    Attributes:
        net: a copy of the network, on the CPU, in evaluation.
        graph: its graph.
        text: its `.cell` text, settings included.
        images: batches to try the file on, the first to trace with.
        stride: pixels of the image to one of the smallest map, both ways, where the file is to
            take images of other sizes that differ by multiples of it.
    """

    net: "Module"
    graph: NetworkGraph
    text: str
    images: "list[Tensor]"
    stride: int | None = None
