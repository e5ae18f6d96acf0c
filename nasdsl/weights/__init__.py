"""Weights: checkpoints of the originals, by name. Importing this does not import torch."""

from nasdsl.weights.layout import ForeignTensor, Parameter, Table, parameters
from nasdsl.weights.loading import Loaded, load
from nasdsl.weights.registry import LAYOUTS, table

__all__ = [
    "LAYOUTS",
    "ForeignTensor",
    "Loaded",
    "Parameter",
    "Table",
    "load",
    "parameters",
    "table",
]
