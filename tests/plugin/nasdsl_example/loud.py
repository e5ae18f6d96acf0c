"""The layout of weights `loud`: our own names in capitals."""

from nasdsl.network.graph import NetworkGraph
from nasdsl.weights.layout import ForeignTensor, Layout, Table, parameters


def loud_table(graph: NetworkGraph) -> Table:
    """What the layout calls every tensor of a network, by our names."""
    return {
        name: ForeignTensor(name.upper(), optional=name.endswith(".num_batches_tracked"))
        for name in parameters(graph)
    }


LAYOUT = Layout("loud", loud_table)
