"""Pictures of cells, spaces, differences and networks.

Importing this imports neither networkx, graphviz nor matplotlib.
"""

from nasdsl.drawing.draw import (
    Drawing,
    cells_drawing,
    difference_drawing,
    genotype_drawing,
    network_drawing,
    space_drawing,
)
from nasdsl.drawing.rendering import FORMS, Form, form_of, rendered, svg
from nasdsl.drawing.themes import DIRECTIONS, THEMES, Options

__all__ = [
    "DIRECTIONS",
    "FORMS",
    "THEMES",
    "Drawing",
    "Form",
    "Options",
    "cells_drawing",
    "difference_drawing",
    "form_of",
    "genotype_drawing",
    "network_drawing",
    "rendered",
    "space_drawing",
    "svg",
]
