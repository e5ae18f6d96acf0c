"""Networks: skeletons, and the graph of every primitive."""

from nasdsl.network.complete import Completed, complete, configuration_of
from nasdsl.network.configuration import Configuration
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import IMAGE, Body, Module, NetworkGraph, Part, Port, Ref
from nasdsl.network.needed import needed
from nasdsl.network.skeleton import SKELETONS, Initialisation, Skeleton, Stem
from nasdsl.network.verify import verified
from nasdsl.primitives import PRIMITIVES, Node, Primitive, Shape, pads

__all__ = [
    "IMAGE",
    "PRIMITIVES",
    "SKELETONS",
    "Body",
    "Completed",
    "Configuration",
    "Initialisation",
    "Module",
    "NetworkGraph",
    "Node",
    "Part",
    "Port",
    "Primitive",
    "Ref",
    "Shape",
    "Skeleton",
    "Stem",
    "complete",
    "configuration_of",
    "needed",
    "network_graph",
    "pads",
    "verified",
]
