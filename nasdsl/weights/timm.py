"""Layout `timm`: `timm/models/nasnet.py` and `pnasnet.py`.

Purpose: the names of the state dicts of nasnetalarge and pnasnet5large.
Its strided average pools count their padding, which is what the vocabulary `nasnet_timm` says.

timm's names are Cadene's (`nasdsl.weights.cadene`); it has no mobile network, so cells are
counted without gaps.
"""

from nasdsl.network.graph import NetworkGraph
from nasdsl.weights.cadene import branch_names
from nasdsl.weights.layout import TORCH, Layout, Table, named_table


def timm_table(graph: NetworkGraph) -> Table:
    """The table of a network on a skeleton that the implementation has."""
    return named_table("timm", graph, TORCH, branch_names(graph, "timm"))


LAYOUT = Layout("timm", timm_table)
