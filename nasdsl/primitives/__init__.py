"""Primitives: the only layers the compiler knows, a record for each.

Purpose: one table that the language, the networks, the passes, the pictures and the tests of
every backend read.
"""

from nasdsl.primitives.node import Node, Padding, Shape, pad, pads, window_size
from nasdsl.primitives.table import (
    ARGUMENTS,
    PRIMITIVES,
    SHORTHANDS,
    Primitive,
    PrimitiveLook,
    Sizes,
    Tensor,
    layer_of,
    words_of,
)

__all__ = [
    "ARGUMENTS",
    "PRIMITIVES",
    "SHORTHANDS",
    "Node",
    "Padding",
    "Primitive",
    "PrimitiveLook",
    "Shape",
    "Sizes",
    "Tensor",
    "layer_of",
    "pad",
    "pads",
    "window_size",
    "words_of",
]
