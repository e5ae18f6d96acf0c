"""Places: where in the stack a cell stands, as other implementations count.

Purpose: from `cells.7` to "the first normal cell of the second stage".
Non-goals: names; each layout counts in its own way.
"""

from typing import Literal, NamedTuple

from nasdsl.network.graph import Module, NetworkGraph


class Place(NamedTuple):
    """A cell's place.

    Attributes:
        kind: `stem`, `normal` (a cell between reductions, in `pnasnet` every other cell) or
            `reduction`.
        stage: how many reductions come before it.
        number: its number among the cells of that kind in the stage.
    """

    kind: Literal["stem", "normal", "reduction"]
    stage: int
    number: int


def place(graph: NetworkGraph, module: Module) -> Place:
    """Where a cell of the `nasnet` or `pnasnet` skeleton stands."""
    group, _, digits = module.name.partition(".")
    number, count = int(digits), graph.skeleton.N
    if group == "stem_cells":
        return Place("stem", 0, number)
    if graph.skeleton.name == "pnasnet":
        return Place("normal", *divmod(number, count))
    # N normal cells and a reduction make a stage.
    stage, index = divmod(number, count + 1)
    return Place("reduction", stage, 0) if index == count else Place("normal", stage, index)


def counted(place: Place, per_stage: int) -> int:
    """The number of a normal cell where stages count `per_stage` of them."""
    return place.stage * per_stage + place.number
