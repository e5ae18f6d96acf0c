"""Sketches: what a picture of one cell shows, before anything has a place.

Purpose: the one input of the layout, made from genotypes, spaces and differences alike. A unit is
what stays together: an input, an output, or a block with its ops as feet and its combine as
head. The look of an op follows from what it does, so that it has the same colour in every picture,
whatever it is called and whoever defined it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nasdsl.drawing.themes import BoxLook, Stroke
from nasdsl.language.genotype.vocabulary import Op, Vocabulary


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its identity in the picture, its lines of text, and its look."""

    id: str
    lines: tuple[str, ...]
    look: BoxLook
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """Boxes that stay together: feet side by side, and a head above them where there is one.

    Attributes:
        id: of the unit in the sketch.
        role: inputs stand below all blocks, outputs above.
        feet: the ops of a block by operand slot, or the one box of an input or output.
        head: the combine of a block.
        commutes: whether the block is the same with its operands in the other order.
    """

    id: str
    role: Literal["input", "block", "output"]
    feet: tuple[Box, ...]
    head: Box | None = None
    commutes: bool = False

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


def unit_by_box(units: Iterable[Unit]) -> dict[str, Unit]:
    """The unit of each box."""
    return {box.id: unit for unit in units for box in unit.boxes}


#: Kinds in the order a legend lists them, and their names in words.
OP_LOOK_NAMES: dict[BoxLook, str] = {
    "separable": "separable convolution",
    "dilated": "dilated convolution",
    "convolution": "convolution",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "identity": "identity",
    "zero": "zero",
    "other": "other op",
}


def op_look(name: str, vocabulary: Vocabulary) -> BoxLook:
    """The kind of the op of that name; `other` where the vocabulary lacks it."""
    op = vocabulary.op.get(name)
    return "other" if op is None else _kind(op)


#: Which of an op's layers decides, the first that is there.
_DECIDING: tuple[BoxLook, ...] = ("zero", "max_pool", "avg_pool", "separable", "convolution")


def _kind(op: Op) -> BoxLook:
    """By the first form, which is what the op does where nothing has to change."""
    layers = op.forms[0].layers if op.forms else ()
    looks = {layer.record.look for layer in layers}
    if looks <= {"identity"}:
        return "identity"
    look: BoxLook = next((look for look in _DECIDING if look in looks), "other")
    dilated = any(layer.dilation > 1 for layer in layers)
    return "dilated" if dilated and look in ("separable", "convolution") else look
