"""The verifier notices every kind of damage."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import load
from nasdsl.network import Body, Module, NetworkGraph, Node, Ref, Shape, network_graph, verified

GRAPH = network_graph(load("nasnet_a"), Settings(stem="cifar", N=1, filters=96))


def with_node(graph: NetworkGraph, primitive: str, change: Callable[[Node], Node]) -> NetworkGraph:
    """The graph with the first node of that primitive changed."""
    done = False
    modules = []
    for module in graph.modules:
        parts = []
        for part in module.body.parts:
            nodes = []
            for node in part.nodes:
                hit = not done and node.primitive == primitive
                done = done or hit
                nodes.append(change(node) if hit else node)
            parts.append(part._replace(nodes=tuple(nodes)))
        modules.append(replace(module, body=replace(module.body, parts=tuple(parts))))
    assert done
    return graph.with_modules(tuple(modules))


def changed(which: str, **fields: object) -> NetworkGraph:
    """The graph with fields of one module changed."""
    modules = [
        replace(module, **fields) if module.name == which else module  # type: ignore[arg-type]
        for module in GRAPH.modules
    ]
    return GRAPH.with_modules(tuple(modules))


def wider(node: Node) -> Node:
    """The node with one more channel than it makes."""
    return node._replace(shape=node.shape._replace(channels=node.shape.channels + 1))


def taller(node: Node) -> Node:
    """The node with one more row than it makes."""
    return node._replace(shape=node.shape._replace(height=node.shape.height + 1))


def _body(name: str) -> Body:
    module = GRAPH.module(name)
    assert module is not None
    return module.body


def _head() -> Module:
    module = GRAPH.module("head")
    assert module is not None
    return module


KEEPING = ["relu", "batch_norm", "drop_path", "avg_pool", "max_pool", "depthwise", "sum", "concat"]


@pytest.mark.parametrize("primitive", [*KEEPING, "global_avg_pool"])
def test_wrong_channels(primitive: str) -> None:
    """A primitive that keeps or adds channels is held to it."""
    with pytest.raises(CellError, match="NAS900"):
        verified(with_node(GRAPH, primitive, wider))


@pytest.mark.parametrize("primitive", [*KEEPING, "conv", "factorized_reduce", "linear"])
def test_wrong_sizes(primitive: str) -> None:
    """Every primitive's height follows from its input."""
    with pytest.raises(CellError, match="NAS900"):
        verified(with_node(GRAPH, primitive, taller))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda node: node._replace(inputs=("nowhere",)), "before it is defined"),
        (lambda node: node._replace(inputs=()), "has no input"),
        (lambda node: node._replace(name="elsewhere"), "outside its part"),
        (lambda node: node._replace(primitive="magic"), "no primitive"),
        (lambda node: node._replace(before=Shape(1, 1, 1)), "says it reads"),
        (lambda node: node._replace(shape=Shape(0, 1, 1)), "makes nothing"),
    ],
)
def test_damaged_nodes(damage: Callable[[Node], Node], words: str) -> None:
    """What is wrong with a node is said with its full name."""
    with pytest.raises(CellError, match=words) as raised:
        verified(with_node(GRAPH, "depthwise", damage))
    assert "cells.0." in str(raised.value)


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (GRAPH.with_modules(GRAPH.modules[1:]), "before it is made"),
        (GRAPH.with_modules(GRAPH.modules[:-1]), "has no head"),
        (GRAPH.with_modules((*GRAPH.modules, GRAPH.modules[0])), "named twice"),
        (changed("cells.1", inputs=()), "input for each port"),
        (changed("cells.1", inputs=(Ref("stem", "batch_norm"),) * 2), "is given"),
        (changed("cells.1", body=replace(_body("cells.1"), outputs=())), "no output"),
        (
            changed("cells.1", body=replace(_body("cells.1"), outputs=("h0",))),
            "not one of its nodes",
        ),
        (
            changed("cells.1", body=replace(_body("cells.1"), parts=_body("cells.1").parts * 2)),
            "defined twice",
        ),
        (
            changed(
                "cells.2",
                body=replace(_body("cells.2"), ports=_body("cells.2").ports[:1] * 2),
                inputs=(Ref("cells.1", "output.concat"),) * 2,
            ),
            "h0: is defined twice",
        ),
        (changed("head", name="face"), "no head"),
        (replace(GRAPH, configuration=replace(GRAPH.configuration, classes=11)), "for each class"),
        (replace(GRAPH, configuration=replace(GRAPH.configuration, image_size=31)), "is given"),
    ],
)
def test_damaged_modules(graph: NetworkGraph, words: str) -> None:
    """What is wrong between modules is noticed too."""
    with pytest.raises(CellError, match=words):
        verified(graph)


def test_sound_graph_is_returned() -> None:
    """The verifier changes nothing."""
    assert verified(GRAPH) is GRAPH
    assert _head().outputs == (GRAPH.logits,)
