"""What a format is given to write.

Purpose: one value in place of many arguments.
Non-goals: anything else.
"""

from typing import TYPE_CHECKING, NamedTuple

from nasdsl.network.graph import NetworkGraph

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class Request(NamedTuple):
    """A network to write.

    Attributes:
        net: a copy of the network, on the CPU, in evaluation.
        graph: its graph.
        text: its `.cell` text, settings included.
        images: batches to try the file on, the first to trace with.
    """

    net: "Module"
    graph: NetworkGraph
    text: str
    images: "list[Tensor]"
