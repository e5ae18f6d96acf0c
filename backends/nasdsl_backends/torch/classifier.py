"""Classifiers: the same network for another number of classes.

Purpose: the graph that `Network.reset_classifier` leaves, and the layers it puts in.
Non-goals: weights; the new layers are untrained.
"""

from dataclasses import replace

from nasdsl.network.graph import Body, Module, NetworkGraph, Node, Shape


def with_classes(graph: NetworkGraph, classes: int) -> NetworkGraph:
    """The graph with classifiers of `classes` classes."""
    modules = tuple(_reset(module, classes) for module in graph.modules)
    configuration = replace(graph.configuration, classes=classes)
    return replace(graph, configuration=configuration, modules=modules)


def linear_of(module: Module) -> Node:
    """The last layer of a head or an auxiliary classifier."""
    return next(node for node in module.body.nodes if node.primitive == "linear")


def _reset(module: Module, classes: int) -> Module:
    if module.role not in ("head", "auxiliary"):
        return module
    linear = linear_of(module)
    wider = linear._replace(shape=Shape(classes, 1, 1))
    parts = tuple(
        part._replace(nodes=tuple(wider if node is linear else node for node in part.nodes))
        for part in module.body.parts
    )
    return replace(module, body=Body(module.body.ports, parts, module.body.outputs))
