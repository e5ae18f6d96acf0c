"""The backend `listing`: a network as text, a line per node."""

from nasdsl.network import NetworkGraph
from nasdsl.primitives import PRIMITIVES


class Listing:
    """What a backend is: its name, what it can emit, its options, and `build`."""

    name = "listing"
    primitives = frozenset(PRIMITIVES)
    options = frozenset({"separator"})

    def build(self, graph: NetworkGraph, separator: str = " ") -> str:
        """The name, the primitive and the shape of each node."""
        return "".join(
            separator.join((node.name, node.primitive, "x".join(map(str, node.shape)))) + "\n"
            for _, node in graph.nodes()
        )


backend = Listing()
