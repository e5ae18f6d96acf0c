"""Edges of DARTS's cells: (op, state), with a weight beside it, or with where they lead."""

from collections.abc import Sequence
from typing import NamedTuple

from nasdsl.errors import Span
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.literals import LiteralValue

#: States 0 and 1 are the inputs of the cell.
INPUTS = 2
#: Of a cell whose edges say where they lead; those to which none leads count as well.
MAX_STATES = 1_000


class Edge(NamedTuple):
    """An op on a state, and the state it leads to where that is written."""

    op: object
    state: int
    span: Span
    target: int | None = None


def edges_of_states(
    foreign: Foreign, kind: str, value: LiteralValue, target_last: bool
) -> list[list[Edge]]:
    """The edges of a cell, those of each state together.

    Args:
        foreign: the text.
        kind: the cell's, for findings.
        value: its edges as they are written.
        target_last: whether edges of three are (op, from, to); (op, to, from) otherwise.

    Raises:
        CellError: they are no edges (NAS651), or lead nowhere (NAS653).
    """
    edges, groups = _edges(foreign, value)
    if any(edge.target is not None for edge in edges):
        return _by_target(foreign, kind, value, edges, target_last)
    if len(edges) % 2:
        text = "a block has two edges, and their number is odd"
        raise foreign.cell_error("NAS651", text, value.span)
    if groups and {len(group) for group in groups} | {2 * len(groups)} != {2, len(edges)}:
        text = "the edges stand in groups, and not each of them has two"
        raise foreign.cell_error("NAS651", text, value.span, "", "a block has two edges")
    return [edges[at : at + 2] for at in range(0, len(edges), 2)]


def _by_target(
    foreign: Foreign, kind: str, value: LiteralValue, edges: Sequence[Edge], target_last: bool
) -> list[list[Edge]]:
    """The edges of (op, to, from), by where they lead; none for a state to which none leads.

    With `target_last` they are (op, from, to).

    xiaomi-automl/FairDARTS, fairdarts/model.py, builds no such state, and leaves out what reads it.
    """
    order = "(op, from, to)" if target_last else "(op, to, from)"
    found: dict[int, list[Edge]] = {}
    for edge in edges:
        if edge.target is None:
            text = "this edge does not say where it leads, and others do"
            raise foreign.cell_error("NAS651", text, edge.span, "", f"they are {order}")
        state, target = edge.state, edge.target
        if target_last:
            state, target = target, state
        if target < INPUTS or state >= target:
            text = f"the edge leads from state {state} to state {target}"
            hint = f"an edge is {order}, and leads to a later state that is not an input"
            raise foreign.cell_error("NAS653", text, edge.span, "", hint)
        found.setdefault(target, []).append(edge._replace(state=state, target=target))
    last = max(found)
    if last >= MAX_STATES:
        text = f"the {kind} cell has no state {last}; there are at most {MAX_STATES}"
        raise foreign.cell_error("NAS653", text, found[last][0].span)
    return [found.get(target, []) for target in range(INPUTS, last + 1)]


def _edges(foreign: Foreign, value: LiteralValue) -> tuple[list[Edge], list[list[LiteralValue]]]:
    """The edges of a cell without their weights, and the lists in which some stand together."""
    todo = [value] if not isinstance(value.data, list) else value.data[::-1]
    found: list[Edge] = []
    groups: list[list[LiteralValue]] = []
    weighted = None
    while todo:
        part = todo.pop()
        match part.data:
            case [LiteralValue(data=list() as first), *_] as inner:
                todo += inner[::-1]
                groups += [] if first and isinstance(first[0].data, list) else [inner]
            case [op, LiteralValue(data=int() as state)] if type(state) is int:
                found.append(Edge(op.data, state, part.span))
            case [op, LiteralValue(data=int() as state), LiteralValue(data=float())] if (
                type(state) is int
            ):
                found.append(Edge(op.data, state, part.span))
                weighted = weighted or part
            case [op, LiteralValue(data=int() as target), LiteralValue(data=int() as state)] if (
                type(target) is int and type(state) is int
            ):
                found.append(Edge(op.data, state, part.span, target))
            case [_, state_value]:
                raise foreign.cell_error(
                    "NAS651", "the state of an edge is a number", state_value.span
                )
            case _:
                text = "an edge is a pair of an op and a state"
                hint = "(op, state, weight) and (op, to, from) are read, too"
                raise foreign.cell_error("NAS651", text, part.span, "", hint)
    if weighted is not None:
        foreign.note("the weights of the edges are left out", weighted.span)
    return found, groups
