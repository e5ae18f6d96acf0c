"""What networks cost, counted without building them."""

from nasdsl.cost_model.count import Count, node_count
from nasdsl.cost_model.model import Cost, ModuleCost, OpCost, PartCost, genotype_cost, graph_cost

__all__ = [
    "Cost",
    "Count",
    "ModuleCost",
    "OpCost",
    "PartCost",
    "genotype_cost",
    "graph_cost",
    "node_count",
]
