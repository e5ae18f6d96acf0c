"""Passes: valid graph in, valid graph out, the same function, one pass a file."""

from nasdsl.network.graph import NetworkGraph
from nasdsl.passes.hoist import activated, hoisted
from nasdsl.passes.merge import merged

__all__ = ["activated", "hoisted", "merged", "optimised"]


def optimised(graph: NetworkGraph) -> NetworkGraph:
    """The graph after every pass, in the order that lets each find most."""
    return hoisted(merged(graph))
