"""Rewriting bodies: what the passes that look at one body at a time have in common.

Purpose: a body that modules share is rewritten once, and they share what it becomes; the
tensors that a rewriting derives get the name of each module.
Non-goals: the rewritings.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from nasdsl.network.derived import Derived
from nasdsl.network.graph import Body, NetworkGraph, Node


class Rewritten(NamedTuple):
    """What a body becomes.

    Attributes:
        body: with the outputs it had.
        tensors: by the names of its nodes, what it derives from tensors that it had.
    """

    body: Body
    tensors: Mapping[str, Derived] = {}


def with_bodies(graph: NetworkGraph, rewritten: Callable[[Body], Rewritten]) -> NetworkGraph:
    """The graph with every body rewritten."""
    made: dict[int, Rewritten] = {}
    modules = []
    tensors = dict(graph.tensors)
    for module in graph.modules:
        key = id(module.body)
        if key not in made:
            made[key] = rewritten(module.body)
        body, derived = made[key]
        modules.append(module if body is module.body else replace(module, body=body))
        for name, one in derived.items():
            tensors[f"{module.name}.{name}"] = _in_network_terms(one, module.name, graph)
    return replace(graph, modules=tuple(modules), tensors=tensors)


def readers_of(body: Body) -> dict[str, list[Node]]:
    """For each port and node, the nodes that read it; twice where they read it twice."""
    readers: dict[str, list[Node]] = {port.name: [] for port in body.ports}
    for node in body.nodes:
        readers[node.name] = []
        for name in node.inputs:
            readers[name].append(node)
    return readers


def with_nodes(body: Body, changed: Mapping[str, tuple[Node, ...]]) -> Body:
    """The body with other nodes in the place of some; a part that loses all of them stays."""
    parts = tuple(
        part._replace(
            nodes=tuple(new for node in part.nodes for new in changed.get(node.name, (node,)))
        )
        for part in body.parts
    )
    return Body(body.ports, parts, body.outputs)


def _in_network_terms(derived: Derived, module: str, graph: NetworkGraph) -> Derived:
    """In terms of the network's tensors, as they were before any pass."""
    return Derived(
        derived.make,
        tuple(
            graph.tensor(f"{module}.{one}")
            if isinstance(one, str)
            else _in_network_terms(one, module, graph)
            for one in derived.of
        ),
    )
