"""Agreement of a network with the data and the recipe, before time is spent.

Purpose: refuse what would fail, or train something else than was meant.
Non-goals: settings for a network (`nasdsl.train.settings`).
"""

from typing import TYPE_CHECKING

from torch import nn

from nasdsl.errors import CellError, Diagnostic
from nasdsl.network.graph import NetworkGraph

if TYPE_CHECKING:
    from nasdsl.train.data import Splits


def fitting_graph(net: nn.Module, data: "Splits") -> NetworkGraph:
    """The graph of a network that is for such images.

    Raises:
        CellError: NAS844 with each thing that differs.
        TypeError: the module was not made by `nasdsl.compile`.
    """
    graph = getattr(net, "graph", None)
    if not isinstance(graph, NetworkGraph):
        raise TypeError(f"compiled networks are trained, not {type(net).__name__}")
    chosen = graph.configuration
    findings = [
        Diagnostic(
            "NAS844",
            f"`{graph.name}` is for {ours} {what}, and the data has {theirs}",
            hints=(f"compile it with {setting}={theirs}",),
        )
        for what, setting, ours, theirs in (
            ("classes", "classes", chosen.classes, data.classes),
            ("channels", "input_channels", chosen.input_channels, data.channels),
            ("pixels a side", "image_size", chosen.image_size, data.image_size),
        )
        if ours != theirs
    ]
    if findings:
        raise CellError(tuple(findings))
    return graph
