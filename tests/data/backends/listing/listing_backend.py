"""A backend as a third party would write it: it lists the primitives of a network.

It knows nasdsl's public graph and nothing of the other backends.
"""

from nasdsl.network import PRIMITIVES, NetworkGraph


class Listing:
    """Makes one line a node: full name, primitive, shape."""

    name = "listing"
    primitives = frozenset(PRIMITIVES)
    options = frozenset({"separator"})

    def build(self, graph: NetworkGraph, separator: str = " ") -> str:
        """The lines."""
        return "\n".join(
            separator.join((node.name, node.primitive, "x".join(map(str, node.shape))))
            for _, node in graph.nodes()
        )


class Poor(Listing):
    """The same, with hardly any primitives."""

    name = "poor"
    primitives = frozenset({"conv", "relu"})


listing = Listing()
poor = Poor()
not_a_backend = {"name": "broken"}
