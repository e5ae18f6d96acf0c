"""Schedules: the order in which a network calls its modules, and what it keeps.

Purpose: `scheduled` numbers the states that pass between modules and says after which call
nobody reads them.
Non-goals: what happens within a module (`program`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nasdsl.network.graph import IMAGE, Module, NetworkGraph, Ref


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


def scheduled(
    graph: NetworkGraph, slots: Mapping[Ref, int], with_auxiliary: bool
) -> tuple[ModuleCall, ...]:
    """The calls of all modules before the head, then of the auxiliary classifier if asked.

    Args:
        graph: the network.
        slots: `slots_of` it.
        with_auxiliary: whether the auxiliary classifier is called.
    """
    called = [
        module
        for module in graph.modules
        if module.role != "head"
        and (with_auxiliary or not (module.for_auxiliary or module.role == "auxiliary"))
    ]
    head = graph.module("head")
    return calls_of(called, slots, head.inputs if head else ())


def calls_of(
    modules: Sequence[Module], slots: Mapping[Ref, int], kept: Iterable[Ref]
) -> tuple[ModuleCall, ...]:
    """The calls of modules in order; the states `kept` stay to the end."""
    last_reader = {ref: module.name for module in modules for ref in module.inputs}
    stay = set(kept)
    calls = []
    for module in modules:
        freed = {ref for ref in module.inputs if last_reader[ref] == module.name} - stay
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
