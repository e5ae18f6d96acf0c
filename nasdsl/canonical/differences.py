"""What differs between two genotypes, field by field.

Purpose: the lines of `nasdsl diff`. Blocks are matched by name, so this compares two
texts; `nasdsl.canonical.equivalent` says whether they nevertheless mean the same.
This is not the shortest edit between two genotypes. Layout and the genotypes' own names are
ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nasdsl.errors import plural
from nasdsl.language.genotype.text import output_text, setting_text
from nasdsl.language.genotype.types import CELL_KINDS, Block, Cell, CellKind, Genotype
from nasdsl.language.tree import FIELD_NAMES
from nasdsl.values import require_types


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two genotypes say differently.

    Attributes:
        cell: the kind of cell, or None for what is outside cells.
        block: the block's name, or None for what is outside blocks.
        field: what differs: `first op`, `block`, `output`, `op NAME`, `network NAME`, ...
        left: what the first genotype says; None where it has nothing of the kind.
        right: what the second genotype says; None likewise.
    """

    cell: CellKind | None
    block: str | None
    field: str
    left: str | None
    right: str | None

    @property
    def place(self) -> str:
        """Where it is, in words: `cell normal, b2, first op`."""
        cell = (f"cell {self.cell}",) if self.cell else ()
        block = (self.block,) if self.block else ()
        return ", ".join((*cell, *block, self.field))

    def __str__(self) -> str:
        left, right = ("nothing" if side is None else side for side in (self.left, self.right))
        return f"{self.place}: {left} -> {right}"


def differences(a: Genotype, b: Genotype) -> tuple[Difference, ...]:
    """Everything `a` and `b` say differently, in the order a file is read.

    Empty where the two are equal up to their names.
    """
    require_types(a=(a, Genotype), b=(b, Genotype))
    return (*_definitions(a, b), *_cells(a, b), *_settings(a, b))


def _definitions(a: Genotype, b: Genotype) -> Iterator[Difference]:
    """The vocabularies' names, and names that both use and that mean different things."""
    if a.vocabulary.name != b.vocabulary.name:
        yield Difference(None, None, "ops", a.vocabulary.name or None, b.vocabulary.name or None)
    for word, mine, other in (
        ("op", _ops(a), _ops(b)),
        ("combine", _combines(a), _combines(b)),
    ):
        for name in sorted(mine.keys() & other.keys()):
            if mine[name] != other[name]:
                yield Difference(None, None, f"{word} {name}", mine[name], other[name])


def _ops(genotype: Genotype) -> dict[str, str]:
    """The definitions of the ops that blocks use."""
    used = {name for cell in genotype.cells for block in cell.blocks for name in block.ops}
    return {name: genotype.vocabulary.op[name].definition for name in used}


def _combines(genotype: Genotype) -> dict[str, str]:
    """The definitions of the combines that blocks use."""
    used = {block.combine for cell in genotype.cells for block in cell.blocks}
    return {name: genotype.vocabulary.combine[name].definition for name in used}


def _cells(a: Genotype, b: Genotype) -> Iterator[Difference]:
    for kind in CELL_KINDS:
        left, right = a.cell(kind), b.cell(kind)
        if left is not None and right is not None:
            yield from _blocks(left, right)
            if left.output != right.output:
                said = output_text(left.output), output_text(right.output)
                yield Difference(kind, None, "output", *said)
        elif left is not None or right is not None:
            yield Difference(kind, None, "cell", _size(left), _size(right))


def _size(cell: Cell | None) -> str | None:
    if cell is None:
        return None
    return plural(len(cell.blocks), "block")


def _blocks(left: Cell, right: Cell) -> Iterator[Difference]:
    mine = {block.name: block for block in left.blocks}
    other = {block.name: block for block in right.blocks}
    for name in dict.fromkeys((*mine, *other)):
        if name in mine and name in other:
            yield from _fields(left.kind, mine[name], other[name])
        else:
            said = _block_tuple(mine.get(name)), _block_tuple(other.get(name))
            yield Difference(left.kind, name, "block", *said)
    orders = [name for name in mine if name in other], [name for name in other if name in mine]
    if orders[0] != orders[1]:
        yield Difference(left.kind, None, "order of blocks", *map(", ".join, orders))


def _fields(kind: CellKind, mine: Block, other: Block) -> Iterator[Difference]:
    for field, left, right in zip(FIELD_NAMES, mine.fields, other.fields, strict=True):
        if left != right:
            yield Difference(kind, mine.name, field, left, right)


def _block_tuple(block: Block | None) -> str | None:
    return None if block is None else f"({', '.join(block.fields)})"


def _settings(a: Genotype, b: Genotype) -> Iterator[Difference]:
    left, right = (
        {name: setting_text(value) for name, value in each.settings.given().items()}
        for each in (a, b)
    )
    for name in dict.fromkeys((*left, *right)):
        if left.get(name) != right.get(name):
            yield Difference(None, None, f"network {name}", left.get(name), right.get(name))
