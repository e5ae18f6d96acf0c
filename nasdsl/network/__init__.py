"""Networks: skeletons, and the graph of every primitive."""

from nasdsl.network.expand import network_graph
from nasdsl.network.graph import (
    IMAGE,
    PRIMITIVES,
    Body,
    Module,
    NetworkGraph,
    Node,
    Part,
    Port,
    Primitive,
    Ref,
    Shape,
)
from nasdsl.network.needed import needed
from nasdsl.network.shapes import pads
from nasdsl.network.skeleton import Skeleton, settings_findings, skeleton
from nasdsl.network.verify import verified

__all__ = [
    "IMAGE",
    "PRIMITIVES",
    "Body",
    "Module",
    "NetworkGraph",
    "Node",
    "Part",
    "Port",
    "Primitive",
    "Ref",
    "Shape",
    "Skeleton",
    "needed",
    "network_graph",
    "pads",
    "settings_findings",
    "skeleton",
    "verified",
]
