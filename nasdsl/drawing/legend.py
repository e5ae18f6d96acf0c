"""What the colours of a picture mean.

Purpose: entries for the looks that a picture has, in a fixed order.
Non-goals: where the legend stands (`nasdsl.drawing.picture`).
"""

from collections.abc import Sequence

from nasdsl.drawing.kinds import KINDS
from nasdsl.drawing.lettering import printable, shortened
from nasdsl.drawing.picture import Entry
from nasdsl.drawing.sketch import Box, Sketch
from nasdsl.drawing.themes import Look, Theme

_WORDS: dict[Look, str] = {
    "input": "hidden state",
    "choice": "any of these states",
    **KINDS,
    "open": "any of these ops",
    "combine": "combine",
    "open_combine": "any of these combines",
    "output": "output",
}


def legend_of(sketches: Sequence[Sketch], look: Theme) -> list[Entry]:
    """An entry for each look that some box has, and for boxes that reach no output."""
    boxes: list[Box] = [box for each in sketches for unit in each.units for box in unit.boxes]
    seen = {box.look for box in boxes if not box.dim}
    entries = [(look.boxes[name], words) for name, words in _WORDS.items() if name in seen]
    if any(box.dim for box in boxes):
        entries.append((look.dim, "reaches no output"))
    return entries


def difference_legend(a: str, b: str, look: Theme) -> list[Entry]:
    """What the colours of a difference mean, by the names of the two genotypes."""
    first, second = (printable(shortened(name)) for name in (a, b))
    return [
        (look.boxes["same"], "in both"),
        (look.boxes["removed"], f"only in {first}"),
        (look.boxes["added"], f"only in {second}"),
    ]
