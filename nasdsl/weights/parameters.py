"""Parameters: the names and shapes a network's state has, read off the graph.

Purpose: what layouts name and what loading compares, without torch.
Values, and what a backend keeps beside parameters and moving statistics, are not here.

The names are the backend's: `<module>.<node>.<tensor>`, `cells.7.b0.left.1.weight`. Kernels
have PyTorch's shape: channels out, channels in for each group, height, width.
"""

from typing import NamedTuple

from nasdsl.network.graph import NetworkGraph
from nasdsl.primitives import PRIMITIVES, Sizes


class Parameter(NamedTuple):
    """A parameter or buffer: its shape, and the primitive that owns it."""

    shape: Sizes
    primitive: str


def parameters(graph: NetworkGraph) -> dict[str, Parameter]:
    """Every parameter and every moving statistic of a network, by name."""
    return {
        f"{node.name}.{tensor.name}": Parameter(tensor.sizes, node.primitive)
        for _, node in graph.nodes()
        for tensor in PRIMITIVES[node.primitive].tensors(node)
    }
