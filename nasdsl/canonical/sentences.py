"""What differs between two genotypes, in words.

Purpose: the sentences of `nasdsl diff`, about the second genotype: "b2 reads h[i-1]
instead of h[i]". Blocks are matched by name; operands of a commutative combine have no order,
so exchanging them is not a difference, and cells that are the same up to
names and order get one sentence that says so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nasdsl.canonical.differences import differences
from nasdsl.canonical.form import equivalent
from nasdsl.language.genotype.types import CELL_KINDS, Block, Cell, CellKind, Genotype, State
from nasdsl.values import require_types

#: An operand of a block: what it reads, and the op it applies.
Operand = tuple[State, str]


def difference_sentences(a: Genotype, b: Genotype) -> tuple[str, ...]:
    """What `b` does where `a` does something else, a sentence a difference.

    Empty where the two are equal up to their names.
    """
    require_types(a=(a, Genotype), b=(b, Genotype))
    return (*_outside(a, b, definitions=True), *_cells(a, b), *_outside(a, b, definitions=False))


def _outside(a: Genotype, b: Genotype, *, definitions: bool) -> Iterator[str]:
    """Vocabularies and definitions, or network settings."""
    for found in differences(a, b):
        kind, _, name = found.field.partition(" ")
        if found.cell is not None or (kind != "network") != definitions:
            continue
        if kind == "ops":
            sources = (found.right or "the file", found.left or "the file")
            yield f"ops come from {_instead_of(*sources)}"
        elif kind == "network":
            yield f"the network {_setting(name, found.left, found.right)}"
        else:
            yield f"{kind} {name} is {found.right} instead of {found.left}"


def _setting(name: str, left: str | None, right: str | None) -> str:
    if right is None:
        return f"uses the default {name} instead of {left}"
    return f"has {name} = {right}" + (f" instead of {left}" if left is not None else "")


def _cells(a: Genotype, b: Genotype) -> Iterator[str]:
    for kind in CELL_KINDS:
        left, right = a.cell(kind), b.cell(kind)
        if left is None and right is None:
            continue
        if left is None or right is None:
            yield f"there is {'a new' if left is None else 'no'} {kind} cell"
        elif left == right and a.vocabulary == b.vocabulary:
            continue
        elif _same_cell(a, b, kind):
            if left != right:
                yield f"{kind} cell: the same up to names and order"
        else:
            changes = [*_blocks(a, b, left, right), *_output(left, right)]
            yield from (f"{kind} cell: {change}" for change in changes)


def _same_cell(a: Genotype, b: Genotype, kind: CellKind) -> bool:
    """Whether the cells of that kind are the same up to names and order."""
    one, other = (
        replace(each, cells=tuple(cell for cell in each.cells if cell.kind == kind))
        for each in (a, b)
    )
    return equivalent(one, other)


# -- blocks -----------------------------------------------------------------------------


def _blocks(a: Genotype, b: Genotype, left: Cell, right: Cell) -> Iterator[str]:
    mine = {block.name: block for block in left.blocks}
    other = {block.name: block for block in right.blocks}
    for name in dict.fromkeys((*mine, *other)):
        if name not in other:
            yield f"{name} is removed; it was {_block_text(mine[name])}"
        elif name not in mine:
            yield f"{name} is new: {_block_text(other[name])}"
        else:
            ordered = not all(
                genotype.vocabulary.combine[block.combine].commutative
                for genotype, block in ((a, mine[name]), (b, other[name]))
            )
            yield from _block_changes(mine[name], other[name], ordered)


def _block_text(block: Block) -> str:
    operands = ", ".join(map(_operand_text, _operands(block)))
    return f"{block.combine}({operands})"


def _operand_text(operand: Operand) -> str:
    state, op = operand
    return f"{op}({state})"


def _operands(block: Block) -> list[Operand]:
    return list(zip(block.inputs, block.ops, strict=True))


def _block_changes(mine: Block, other: Block, ordered: bool) -> Iterator[str]:
    found = [
        _change_text(*pair)
        for pair in _replaced_operands(_operands(mine), _operands(other), ordered)
    ]
    if mine.combine != other.combine:
        found.append(f"combines with {_instead_of(other.combine, mine.combine)}")
    if found:
        yield f"{mine.name} {' and '.join(found)}"


def _replaced_operands(
    mine: Sequence[Operand], other: Sequence[Operand], ordered: bool
) -> list[tuple[Operand, Operand]]:
    """Operands that were and what stands in their place, paired by likeness."""
    if ordered:
        return [pair for pair in zip(mine, other, strict=True) if pair[0] != pair[1]]
    gone = list((Counter(mine) - Counter(other)).elements())
    new = list((Counter(other) - Counter(mine)).elements())
    pairings = [list(zip(gone, order, strict=True)) for order in (new, new[::-1])]
    return max(pairings, key=_likeness)


def _likeness(pairs: Iterable[tuple[Operand, Operand]]) -> int:
    return sum((old[0] == new[0]) + (old[1] == new[1]) for old, new in pairs)


def _change_text(old: Operand, new: Operand) -> str:
    if old[1] == new[1]:
        return f"reads {_instead_of(str(new[0]), str(old[0]))} in its {new[1]}"
    if old[0] == new[0]:
        return f"applies {_instead_of(new[1], old[1])} to {new[0]}"
    return f"has {_instead_of(_operand_text(new), _operand_text(old))}"


def _instead_of(new: str, old: str) -> str:
    return f"{new} instead of {old}"


# -- output -----------------------------------------------------------------------------


def _states_text(states: Sequence[State]) -> str:
    names = list(map(str, states))
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _output(left: Cell, right: Cell) -> Iterator[str]:
    mine, other = left.output_states, right.output_states
    each = [cell.output.kind == "each" for cell in (left, right)]
    if each[0] != each[1]:
        verb = "is passed on state by state" if each[1] else "is concatenated"
        yield f"the output {verb}: {_states_text(other)}"
    elif all(each) and set(mine) == set(other) and mine != other:
        yield f"the output passes on {_states_text(other)} in this order"
    changes = [
        f"{verb} {_states_text(states)}"
        for verb, states in (
            ("adds", [state for state in other if state not in mine]),
            ("drops", [state for state in mine if state not in other]),
        )
        if states
    ]
    if changes and each[0] == each[1]:
        yield f"the output {' and '.join(changes)}"
