"""Blocks that reach no output.

Purpose: a block whose state nothing reads and no output names is probably a mistake; it
is not built, not counted and not part of the canonical form.
Non-goals: removing it from the text.
"""

from collections.abc import Iterator

from nasdsl.errors import Diagnostic, Label, Source
from nasdsl.language.genotype.blocks import CellPlaces
from nasdsl.language.genotype.liveness import live_blocks
from nasdsl.language.genotype.types import CellSpace


def dead_blocks(cell: CellSpace, places: CellPlaces, source: Source) -> Iterator[Diagnostic]:
    """A warning for each block that reaches no output."""
    for block, place, live in zip(cell.blocks, places.blocks, live_blocks(cell), strict=True):
        if live:
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
