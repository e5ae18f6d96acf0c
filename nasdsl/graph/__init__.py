"""Cells as graphs. Importing this does not import networkx; `cell_graph` does."""

from nasdsl.graph.cell_graph import OUTPUT, CellGraph, cell_graph
from nasdsl.graph.liveness import Liveness, liveness

__all__ = ["OUTPUT", "CellGraph", "Liveness", "cell_graph", "liveness"]
