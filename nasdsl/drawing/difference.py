"""Two genotypes in one sketch: what both have, what only the first has, only the second.

Purpose: the picture of `nasdsl diff`. Blocks are matched by name, ops by block, side and
name, wires by their ends.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Literal

from nasdsl.drawing.cell import MAX_BLOCKS, TITLES, output_id
from nasdsl.drawing.lettering import name_lines
from nasdsl.drawing.sketch import Box, Sketch, Unit, Wire
from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import (
    CELL_KINDS,
    Block,
    Cell,
    CellKind,
    Genotype,
    Hidden,
    State,
)

Ends = tuple[str, str]
#: A look and a stroke alike.
Presence = Literal["same", "added", "removed"]


def difference_sketches(a: Genotype, b: Genotype) -> tuple[Sketch, ...]:
    """A sketch of each kind of cell that one of the two has.

    Raises:
        CellError: a cell has too many blocks to be drawn (NAS713).
    """
    kinds = [kind for kind in CELL_KINDS if a.cell(kind) or b.cell(kind)]
    return tuple(_Pair(kind, a.cell(kind), b.cell(kind)).sketch(len(kinds) > 1) for kind in kinds)


def _presence(key: object, mine: Container[object], other: Container[object]) -> Presence:
    """Whether something is in both, or only in one."""
    if key not in other:
        return "removed"
    return "same" if key in mine else "added"


@dataclass(frozen=True, slots=True)
class _Pair:
    """The cells of one kind; None where a genotype has none."""

    kind: CellKind
    a: Cell | None
    b: Cell | None

    def sketch(self, titled: bool) -> Sketch:
        for cell in (self.a, self.b):
            if cell is not None and len(cell.blocks) > MAX_BLOCKS:
                raise cell_error(
                    "NAS713",
                    f"a cell of {len(cell.blocks)} blocks is too large to compare in a picture",
                    "`nasdsl diff` lists what differs",
                )
        names = list(dict.fromkeys(block.name for cell in self._cells for block in cell.blocks))
        units = [*self.inputs(), *self.blocks(names), *self.outputs()]
        title = TITLES[self.kind] if titled else ""
        return Sketch(self.kind, title, tuple(units), tuple(self.wires(names)))

    @property
    def _cells(self) -> list[Cell]:
        return [cell for cell in (self.a, self.b) if cell is not None]

    def inputs(self) -> Iterator[Unit]:
        mine, other = _reads(self.a), _reads(self.b)
        for state in sorted(mine | other, key=lambda state: state.back):
            id = f"{self.kind}.{state}"
            yield Unit(id, "input", (Box(id, (str(state),), _presence(state, mine, other)),))

    def blocks(self, names: list[str]) -> Iterator[Unit]:
        mine, other = _blocks(self.a), _blocks(self.b)
        for index, name in enumerate(names):
            id = f"{self.kind}.b{index}"
            left, right = mine.get(name), other.get(name)
            ops, others = _ops(left), _ops(right)
            feet = tuple(
                Box(f"{id}.op{k}", name_lines(op), _presence((side, op), ops, others))
                for k, (side, op) in enumerate(_feet(left, right))
            )
            yield Unit(f"{id}.block", "block", feet, self.head(id, left, right))

    def head(self, id: str, left: Block | None, right: Block | None) -> Box:
        if left is None or right is None:
            block = left or right
            assert block is not None
            return Box(id, name_lines(block.combine), "added" if left is None else "removed")
        if left.combine == right.combine:
            return Box(id, name_lines(left.combine), "same")
        lines = (*name_lines(left.combine, 1), f"\u2192 {name_lines(right.combine, 1)[0]}")
        return Box(id, lines, "changed")

    def outputs(self) -> Iterator[Unit]:
        mine, other = _outputs(self.a), _outputs(self.b)
        for slot, label in {**mine, **other}.items():
            id = self.output(slot)
            look = _presence(slot, mine, other)
            yield Unit(id, "output", (Box(id, (label,), look),))

    def output(self, slot: int) -> str:
        """`concat` stands in slot -1: it is not the first of `each`."""
        return output_id(self.kind, slot) if slot >= 0 else f"{self.kind}.output.concat"

    def wires(self, names: list[str]) -> Iterator[Wire]:
        at = {name: f"{self.kind}.b{index}" for index, name in enumerate(names)}
        left, right = _blocks(self.a), _blocks(self.b)
        ops = {
            (name, side, op): f"{at[name]}.op{k}"
            for name in names
            for k, (side, op) in enumerate(_feet(left.get(name), right.get(name)))
        }
        mine, other = (dict.fromkeys(self.ends(cell, at, ops)) for cell in (self.a, self.b))
        for tail, head in {**mine, **other}:
            yield Wire(tail, head, _presence((tail, head), mine, other))

    def ends(
        self, cell: Cell | None, at: dict[str, str], ops: dict[tuple[str, int, str], str]
    ) -> Iterator[Ends]:
        if cell is None:
            return

        def box(state: State) -> str:
            return f"{self.kind}.{state}" if isinstance(state, Hidden) else at[state.name]

        for block in cell.blocks:
            for side, (state, op) in enumerate(zip(block.inputs, block.ops, strict=True)):
                id = ops[block.name, side, op]
                yield box(state), id
                yield id, at[block.name]
        for slot, state in enumerate(cell.output_states):
            yield box(state), self.output(slot if cell.output.kind == "each" else -1)


def _feet(left: Block | None, right: Block | None) -> list[tuple[int, str]]:
    """The ops of a block by side, what the first genotype has before what the second has."""
    ops = dict.fromkeys((*_ops(left), *_ops(right)))
    return sorted(ops, key=lambda key: key[0])


def _reads(cell: Cell | None) -> set[Hidden]:
    if cell is None:
        return set()
    states = [state for block in cell.blocks for state in block.inputs]
    return {state for state in (*states, *cell.output_states) if isinstance(state, Hidden)}


def _blocks(cell: Cell | None) -> dict[str, Block]:
    return {} if cell is None else {block.name: block for block in cell.blocks}


def _ops(block: Block | None) -> list[tuple[int, str]]:
    return [] if block is None else list(enumerate(block.ops))


def _outputs(cell: Cell | None) -> dict[int, str]:
    if cell is None:
        return {}
    if cell.output.kind != "each":
        return {-1: "concat"}
    return {slot: f"h[i+{slot + 1}]" for slot in range(len(cell.output_states))}
