"""Blocks that reach no output.

Purpose: a block whose state nothing reads and no output names is probably a mistake; it
is not built, not counted and not part of the canonical form.
Non-goals: removing it from the text.
"""

from collections.abc import Iterator

from nasdsl.errors import Diagnostic, Label, Source
from nasdsl.language.genotype.blocks import CellPlaces
from nasdsl.language.genotype.types import BlockState, CellSpace, State


def live_names(cell: CellSpace) -> set[str]:
    """The names of the blocks that reach the output in some member of the space."""
    if cell.output.kind == "unused":
        return {block.name for block in cell.blocks}
    wanted: set[State] = set(cell.output.states)
    live = set()
    for block in reversed(cell.blocks):
        if BlockState(block.name) in wanted:
            live.add(block.name)
            wanted.update(*block.inputs)
    return live


def dead_blocks(cell: CellSpace, places: CellPlaces, source: Source) -> Iterator[Diagnostic]:
    """A warning for each block that reaches no output."""
    live = live_names(cell)
    if len(live) == len(cell.blocks):
        return
    for block, place in zip(cell.blocks, places.blocks, strict=True):
        if block.name in live:
            continue
        secondary: tuple[Label, ...] = ()
        if places.output is not None:
            secondary = (Label(places.output, "the output does not name it"),)
        yield Diagnostic(
            "NAS307",
            f"block `{block.name}` reaches no output",
            source,
            place.name,
            label="computed for nothing",
            secondary=secondary,
            hints=(f"name `{block.name}` in the output, read it in a block, or remove it",),
        )
