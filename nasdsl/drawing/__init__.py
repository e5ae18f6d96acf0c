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
from nasdsl.drawing.rendering import (
    PICTURE_FORMATS,
    PLOT_FORMATS,
    PictureFormat,
    form_of,
    picture_bytes,
    svg,
)
from nasdsl.drawing.themes import DIRECTIONS, THEMES, DrawingOptions

__all__ = [
    "DIRECTIONS",
    "PICTURE_FORMATS",
    "PLOT_FORMATS",
    "THEMES",
    "Drawing",
    "DrawingOptions",
    "PictureFormat",
    "cells_drawing",
    "difference_drawing",
    "form_of",
    "genotype_drawing",
    "network_drawing",
    "picture_bytes",
    "space_drawing",
    "svg",
]
