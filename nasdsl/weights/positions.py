"""Places: where in the stack a cell stands, as other implementations count.

Purpose: from `cells.7` to "the first normal cell of the second stage", and what a network's
skeleton says to a layout.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from nasdsl.network.graph import NetworkGraph
from nasdsl.network.skeleton import SKELETONS

#: What a table cannot read off the cells, see `nasdsl.network.skeleton.Stem.layouts`.
LayoutFacts = Mapping[str, tuple[str, ...]]


class CellPosition(NamedTuple):
    """A cell's place.

    Attributes:
        kind: `stem`, `normal` (also where it strides) or `reduction`.
        stage: how many cells that reduce begin or end the stages before it.
        number: its number among the cells of that kind in the stage.
        normals: how many normal cells of the network come before it.
    """

    kind: Literal["stem", "normal", "reduction"]
    stage: int
    number: int
    normals: int


def layout_facts(graph: NetworkGraph, layout: str) -> LayoutFacts | None:
    """What a network's skeleton says to a layout; None where it has no names in it."""
    chosen = graph.configuration
    return SKELETONS.find(chosen.name).stems[chosen.stem].layouts.get(layout)


def cell_positions(graph: NetworkGraph) -> dict[str, CellPosition]:
    """Where each cell of the skeleton's plan stands, by its name."""
    chosen = graph.configuration
    found: dict[str, CellPosition] = {}
    stage = number = count = 0
    for cell in SKELETONS.find(chosen.name).planned_for(chosen):
        if cell.in_stem:
            found[cell.name] = CellPosition("stem", 0, len(found), 0)
            continue
        if cell.stride > 1:
            stage, number = stage + 1, 0
        if cell.kind == "reduction":
            found[cell.name] = CellPosition("reduction", stage - 1, 0, count)
            continue
        found[cell.name] = CellPosition("normal", stage, number, count)
        number, count = number + 1, count + 1
    return found


def before_auxiliary(graph: NetworkGraph) -> str:
    """The name of the cell that an auxiliary classifier reads."""
    chosen = graph.configuration
    plan = SKELETONS.find(chosen.name).planned_for(chosen)
    return next(cell.name for cell in plan if cell.before_auxiliary)
