"""A space as one flat row of decisions, and the choices that a genotype makes of them.

Purpose: the one order of decisions that counting, sampling, indices, mutation and the hypothesis
strategies share: cell by cell as the space lists them, block by block, and in each block (input,
input, op, op, combine), as a file is read.

There is one rule of membership. Blocks are compared by position, so a genotype with other block
names is still a member; so is one whose output means the same in other words (`unused` written
out, a `concat` in another order), and one that lists its cells in another order. Ops and
combines are compared by name and definition. A genotype with its operands exchanged may be
outside a space that contains its canonical equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nasdsl.errors import CellError, cell_error, listed, plural
from nasdsl.language.genotype.types import (
    Block,
    BlockState,
    Cell,
    CellKind,
    CellSpace,
    Genotype,
    Output,
    Space,
    State,
    block_state,
)
from nasdsl.language.tree import FIELD_NAMES
from nasdsl.values import require_types, typed

FieldOptions = tuple[State, ...] | tuple[str, ...]

#: Decisions a block.
FIELDS = 5


@dataclass(frozen=True, slots=True)
class FlatSpace:
    """A space flattened for speed: building a genotype is one pass over its choices.

    Attributes:
        space: what was flattened.
        options: of every decision.
        radices: how many those are.
        cells: kind, names of the blocks and output of each cell.
        places: of every decision, the place of each option.
    """

    space: Space
    options: tuple[FieldOptions, ...]
    radices: tuple[int, ...]
    cells: tuple[tuple[CellKind, tuple[str, ...], Output], ...]
    places: tuple[Mapping[State | str, int], ...]

    def genotype(self, choices: Sequence[int]) -> Genotype:
        """The genotype that takes option `choices[k]` of decision k."""
        # One flat list of states and names; the five kinds of field need not be distinguished.
        values: list[Any] = [
            options[choice] for options, choice in zip(self.options, choices, strict=True)
        ]
        cells = []
        at = 0
        for kind, names, output in self.cells:
            blocks = []
            for name in names:
                left, right, left_op, right_op, combine = values[at : at + FIELDS]
                blocks.append(Block(name, (left, right), (left_op, right_op), combine))
                at += FIELDS
            cells.append(Cell(kind, tuple(blocks), output))
        space = self.space
        return Genotype(space.name, space.vocabulary, tuple(cells), space.settings)


def flat_space(space: Space) -> FlatSpace:
    """`space` flattened; the newest few results are kept.

    Raises:
        CellError: NAS008, it is not a space.
    """
    require_types(space=(space, Space))
    return _flat(space)


@lru_cache(maxsize=16)
def _flat(space: Space) -> FlatSpace:
    options = tuple(
        options for cell in space.cells for block in cell.blocks for options in block.decisions
    )
    cells = tuple(
        (cell.kind, tuple(block.name for block in cell.blocks), cell.output) for cell in space.cells
    )
    places = tuple({option: place for place, option in enumerate(each)} for each in options)
    return FlatSpace(space, options, tuple(map(len, options)), cells, places)


def decisions(space: Space) -> tuple[FieldOptions, ...]:
    """The options of every decision, five a block, in the order a file is read.

    A decision with one option is pinned; it is listed all the same, so that decision
    `5 * b + f` is always field f of block b (blocks counted through all cells).
    """
    return flat_space(space).options


@typed
def genotype_from_choices(space: Space, choices: Sequence[int]) -> Genotype:
    """The genotype that takes option `choices[k]` of `decisions(space)[k]`.

    It has the space's name, vocabulary, block names, outputs and settings.

    Raises:
        ValueError: there are more or fewer choices than decisions.
        IndexError: a choice is negative or past the last option.
    """
    flat = flat_space(space)
    if any(choice < 0 for choice in choices):
        raise IndexError("a choice is negative")
    return flat.genotype(choices)


_Names = Mapping[State, State]


def contains(space: Space, genotype: Genotype) -> bool:
    """Whether some choice of every decision of `space` gives `genotype`."""
    require_types(space=(space, Space), genotype=(genotype, Genotype))
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
    require_types(space=(space, Space), genotype=(genotype, Genotype))
    found = _own_choices(_flat(space), genotype)
    if found is not None:
        return found
    return _named_choices(space, genotype)


def _own_choices(flat: FlatSpace, genotype: Genotype) -> tuple[int, ...] | None:
    """The choices of a genotype in the space's own words, as `FlatSpace.genotype` makes it.

    A search asks for them in every step. None for any other, which may be a member all the same.
    """
    vocabulary, cells = flat.space.vocabulary, genotype.cells
    if genotype.vocabulary is not vocabulary or len(cells) != len(flat.cells):
        return None
    values: list[Any] = []
    for cell, (kind, names, output) in zip(cells, flat.cells, strict=True):
        blocks = cell.blocks
        if (cell.kind, cell.output, len(blocks)) != (kind, output, len(names)):
            return None
        for block, name in zip(blocks, names, strict=True):
            if block.name != name:
                return None
            values += (*block.inputs, *block.ops, block.combine)
    found = [places.get(value) for places, value in zip(flat.places, values, strict=True)]
    return None if None in found else tuple(found)  # type: ignore[arg-type]


def _named_choices(space: Space, genotype: Genotype) -> tuple[int, ...]:
    """The choices of any genotype.

    Raises:
        CellError: NAS602, it is not of this space.
    """
    _check_kinds(space, genotype)
    _check_definitions(space, genotype)
    found: list[int] = []
    for cell_space in space.cells:
        cell = genotype.cell(cell_space.kind)
        assert cell is not None
        found += _cell_choices(cell_space, cell)
    return tuple(found)


def _not_a_member(message: str, *hints: str) -> CellError:
    return cell_error("NAS602", message, *hints)


def _check_kinds(space: Space, genotype: Genotype) -> None:
    wanted, given = ({cell.kind for cell in each.cells} for each in (space, genotype))
    if wanted != given:
        raise _not_a_member(
            f"the genotype has the cells {listed(sorted(given))},"
            f" and the space {listed(sorted(wanted))}"
        )


def _check_definitions(space: Space, genotype: Genotype) -> None:
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
                raise _not_a_member(
                    f"`{name}` means different things in the genotype and in the space",
                    f"the genotype means {other[name].definition}",
                    f"the space means {mine[name].definition}",
                )


def _cell_choices(space: CellSpace, cell: Cell) -> Iterator[int]:
    if len(cell.blocks) != len(space.blocks):
        raise _not_a_member(
            f"the cell `{cell.kind}` of the genotype has {plural(len(cell.blocks), 'block')},"
            f" and that of the space {len(space.blocks)}"
        )
    renamed = _space_names(space, cell)
    blocks = []
    for block, block_space in zip(cell.blocks, space.blocks, strict=True):
        left, right = block.inputs
        inputs = (renamed.get(left, left), renamed.get(right, right))
        blocks.append(Block(block_space.name, inputs, block.ops, block.combine))
        values = (*inputs, *block.ops, block.combine)
        for field, value, options in zip(FIELD_NAMES, values, block_space.decisions, strict=True):
            if value not in options:
                raise _not_a_member(
                    f"the {field} of `{block.name}` in the cell `{cell.kind}` is {value},"
                    f" and the space allows {listed(map(str, options), 'or')}"
                )
            yield options.index(value)
    _check_output(space, cell, Cell(cell.kind, tuple(blocks), space.output), renamed)


def _space_names(space: CellSpace, cell: Cell) -> _Names:
    return {
        BlockState(block.name): block_state(block_space.name)
        for block, block_space in zip(cell.blocks, space.blocks, strict=True)
    }


def _check_output(space: CellSpace, cell: Cell, wanted: Cell, renamed: _Names) -> None:
    """Whether `cell` passes on what `wanted`, the same blocks in the space, does."""
    states = tuple(renamed.get(state, state) for state in cell.output_states)
    if "each" in (cell.output.kind, space.output.kind):
        same = Output(cell.output.kind, states) == space.output
    else:
        same = frozenset(states) == frozenset(wanted.output_states)
    if not same:
        raise _not_a_member(f"the cell `{cell.kind}` has a different output from the space's")
