"""Whether a genotype is of a space, and which choices it made.

Purpose: one rule of membership. Blocks are compared by position, so a genotype with other
block names is still a member; so is one whose output says the same in other words
(`unused` written out, a `concat` in another order), and one that lists its cells in
another order. Ops and combines are compared by name and definition.
Non-goals: membership up to the canonical form: a genotype with commuted operands may be
outside a space that holds its twin.
"""

from collections.abc import Iterator, Mapping

from nasdsl.errors import CellError, cell_error, listed
from nasdsl.language.genotype.types import (
    Block,
    BlockState,
    Cell,
    CellSpace,
    Genotype,
    Output,
    Space,
    State,
    block_state,
)
from nasdsl.language.tree import FIELD_NAMES

_Renamed = Mapping[State, State]


def contains(space: Space, genotype: Genotype) -> bool:
    """Whether some choice of every decision of `space` gives `genotype`."""
    try:
        choices(space, genotype)
    except CellError:
        return False
    return True


def choices(space: Space, genotype: Genotype) -> tuple[int, ...]:
    """The option that `genotype` takes of each of `decisions(space)`.

    Raises:
        CellError: it is not of this space; the message says where it first leaves it
            (NAS602).
    """
    _same_kinds(space, genotype)
    _same_definitions(space, genotype)
    found: list[int] = []
    for cell_space in space.cells:
        cell = genotype.cell(cell_space.kind)
        assert cell is not None
        found += _cell_choices(cell_space, cell)
    return tuple(found)


def _outside(message: str, *hints: str) -> CellError:
    return cell_error("NAS602", message, *hints)


def _same_kinds(space: Space, genotype: Genotype) -> None:
    wanted, given = ({cell.kind for cell in each.cells} for each in (space, genotype))
    if wanted != given:
        raise _outside(
            f"the genotype has the cells {listed(sorted(given))},"
            f" and the space {listed(sorted(wanted))}"
        )


def _same_definitions(space: Space, genotype: Genotype) -> None:
    """Ops and combines that both know by one name must be the same thing."""
    ours, theirs = space.vocabulary, genotype.vocabulary
    if ours is theirs or (ours.ops, ours.combines) == (theirs.ops, theirs.combines):
        return
    named = {
        name
        for cell in genotype.cells
        for block in cell.blocks
        for name in (*block.ops, block.combine)
    }
    for name in sorted(named):
        for mine, other in ((ours.op, theirs.op), (ours.combine, theirs.combine)):
            if name in mine and name in other and mine[name] != other[name]:
                raise _outside(
                    f"`{name}` is not the same in the genotype and in the space",
                    f"the genotype means {other[name].definition}",
                    f"the space means {mine[name].definition}",
                )


def _cell_choices(space: CellSpace, cell: Cell) -> Iterator[int]:
    if len(cell.blocks) != len(space.blocks):
        raise _outside(
            f"the cell `{cell.kind}` of the genotype has {len(cell.blocks)} blocks,"
            f" and that of the space {len(space.blocks)}"
        )
    renamed = _renamed(space, cell)
    blocks = []
    for block, block_space in zip(cell.blocks, space.blocks, strict=True):
        left, right = block.inputs
        inputs = (renamed.get(left, left), renamed.get(right, right))
        blocks.append(Block(block_space.name, inputs, block.ops, block.combine))
        values = (*inputs, *block.ops, block.combine)
        for field, value, options in zip(FIELD_NAMES, values, block_space.decisions, strict=True):
            if value not in options:
                raise _outside(
                    f"the {field} of `{block.name}` in the cell `{cell.kind}` is {value},"
                    f" and the space has {listed(map(str, options), 'or')}"
                )
            yield options.index(value)
    _same_output(space, cell, Cell(cell.kind, tuple(blocks), space.output), renamed)


def _renamed(space: CellSpace, cell: Cell) -> _Renamed:
    return {
        BlockState(block.name): block_state(block_space.name)
        for block, block_space in zip(cell.blocks, space.blocks, strict=True)
    }


def _same_output(space: CellSpace, cell: Cell, wanted: Cell, renamed: _Renamed) -> None:
    """Whether `cell` passes on what `wanted`, the same blocks in the space, does."""
    states = tuple(renamed.get(state, state) for state in cell.output_states)
    if "each" in (cell.output.kind, space.output.kind):
        same = Output(cell.output.kind, states) == space.output
    else:
        same = frozenset(states) == frozenset(wanted.output_states)
    if not same:
        raise _outside(f"the cell `{cell.kind}` has another output than the space's")
