"""Schedules: the order in which a network calls its modules, and what it keeps.

Purpose: `scheduled` numbers the states that pass between modules and says after which call
nobody reads them; `at_pool` divides the head.
Non-goals: what happens within a module (`program`).
"""

from typing import NamedTuple

from nasdsl.network.graph import IMAGE, Body, NetworkGraph, Port, Ref


class ModuleCall(NamedTuple):
    """One module at its turn.

    Attributes:
        path: where it is, from the network.
        inputs: slots of the states it reads.
        outputs: slots of the states it gives.
        frees: slots nobody reads after it.
        depth: see `nasdsl.network.graph.Module`.
    """

    path: tuple[str, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    frees: tuple[int, ...]
    depth: float


def slots_of(graph: NetworkGraph) -> dict[Ref, int]:
    """A number for each state that passes between modules; the image has 0."""
    states = [IMAGE, *(ref for module in graph.modules for ref in module.outputs)]
    return {ref: slot for slot, ref in enumerate(states)}


def scheduled(graph: NetworkGraph, with_auxiliary: bool) -> tuple[ModuleCall, ...]:
    """The calls of all modules before the head, then of the auxiliary classifier if asked."""
    slots = slots_of(graph)
    called = [
        module
        for module in graph.modules
        if module.role != "head"
        and (with_auxiliary or not (module.for_auxiliary or module.role == "auxiliary"))
    ]
    last_reader = {ref: module.name for module in called for ref in module.inputs}
    head = graph.module("head")
    kept = set(head.inputs) if head else set()
    calls = []
    for module in called:
        freed = {ref for ref in module.inputs if last_reader[ref] == module.name} - kept
        calls.append(
            ModuleCall(
                tuple(module.name.split(".")),
                tuple(slots[ref] for ref in module.inputs),
                tuple(slots[ref] for ref in module.outputs),
                tuple(sorted(slots[ref] for ref in freed)),
                module.depth,
            )
        )
    return tuple(calls)


def at_pool(head: Body) -> tuple[Body, Body]:
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
