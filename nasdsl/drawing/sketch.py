"""Sketches: what a picture of one cell shows, before anything has a place.

Purpose: the one input of the layout, made from genotypes, spaces and differences alike.
A unit is what stays together: an input, an output, or a block with its ops as feet and its
combine as head.
Non-goals: places (`nasdsl.drawing.layout`), colours (`nasdsl.drawing.themes`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nasdsl.drawing.themes import Look, Stroke

Direction = Literal["up", "down", "left", "right"]


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its identity in the picture, its lines of text, and its look."""

    id: str
    lines: tuple[str, ...]
    look: Look
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """Boxes that stay together: feet side by side, and a head above them where there is one.

    Attributes:
        id: of the unit in the sketch.
        role: inputs stand below all blocks, outputs above.
        feet: the ops of a block by operand slot, or the one box of an input or output.
        head: the combine of a block.
    """

    id: str
    role: Literal["input", "block", "output"]
    feet: tuple[Box, ...]
    head: Box | None = None

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The feet, then the head."""
        return self.feet if self.head is None else (*self.feet, self.head)

    @property
    def top(self) -> Box:
        """The box that others read."""
        return self.feet[0] if self.head is None else self.head


@dataclass(frozen=True, slots=True)
class Wire:
    """A line from the box `tail` to the box `head`."""

    tail: str
    head: str
    stroke: Stroke = "plain"
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Sketch:
    """One cell to be drawn: units in the order of the text, and wires by operand slot.

    `id` begins the identities of its boxes; an empty title is not drawn.
    """

    id: str
    title: str
    units: tuple[Unit, ...]
    wires: tuple[Wire, ...]


def unit_of(units: Iterable[Unit]) -> dict[str, Unit]:
    """The unit of each box."""
    return {box.id: unit for unit in units for box in unit.boxes}
