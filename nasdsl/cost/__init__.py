"""What networks cost, counted without building them."""

from nasdsl.cost.count import Count, node_count
from nasdsl.cost.model import Cost, ModuleCost, OpCost, PartCost, cost, graph_cost

__all__ = [
    "Cost",
    "Count",
    "ModuleCost",
    "OpCost",
    "PartCost",
    "cost",
    "graph_cost",
    "node_count",
]
