"""Sections: a part of a network, from some of its states to others.

Purpose: what detectors and others build on a network's features ask for: the modules that lead
from the image to a state, or from states that they were given to the last map.
Non-goals: running them (the backends), which states those are (`nasdsl.detection`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nasdsl.language.genotype.liveness import live_steps
from nasdsl.network.graph import Body, Module, NetworkGraph, Port, Ref, Shape, once_a_body


@dataclass(frozen=True, slots=True)
class Section:
    """Modules of a network, with the names that they have there.

    Attributes:
        inputs: the states that it is given, the image among them.
        outputs: the states that it gives.
        modules: in the order they are computed. The head, where it is one of them, ends before
            its pool.
    """

    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    modules: tuple[Module, ...]


def section(graph: NetworkGraph, inputs: Sequence[Ref], outputs: Sequence[Ref]) -> Section:
    """What leads from some states of a network to others.

    Args:
        graph: the network.
        inputs: states that are given; what makes them is left out.
        outputs: states of modules, or `last_map(graph)`.
    """
    modules = [_ending_before_pool(m) for m in graph.modules if m.role != "auxiliary"]
    given = set(inputs)
    live, _ = live_steps(
        (ref for ref in outputs if ref not in given),
        modules,
        lambda module: module.outputs,
        lambda module, _: (ref for ref in module.inputs if ref not in given),
    )
    kept = (module for module, is_live in zip(modules, live, strict=True) if is_live)
    return Section(tuple(inputs), tuple(outputs), tuple(kept))


def last_map(graph: NetworkGraph) -> Ref:
    """What the head pools."""
    head = graph.module("head")
    assert head is not None, "every network has a head"
    return Ref("head", before_pool(head.body)[0].outputs[0])


def state_shapes(graph: NetworkGraph) -> dict[Ref, Shape]:
    """The shapes of the states that pass between modules."""
    return {
        ref: shape
        for module in graph.modules
        for ref, shape in zip(module.outputs, module.body.output_shapes, strict=True)
    }


@once_a_body
def before_pool(head: Body) -> tuple[Body, Body]:
    """The head before its global pool, and from the pool on."""
    (part,) = head.parts
    index = next(i for i, node in enumerate(part.nodes) if node.primitive == "global_avg_pool")
    pool = part.nodes[index]
    (joined,) = pool.inputs
    return (
        Body(head.ports, (part._replace(nodes=part.nodes[:index]),), (joined,)),
        Body(
            (Port(joined, pool.before),), (part._replace(nodes=part.nodes[index:]),), head.outputs
        ),
    )


def _ending_before_pool(module: Module) -> Module:
    return replace(module, body=before_pool(module.body)[0]) if module.role == "head" else module
