"""Checks on a resolved space that names alone cannot decide: shapes, and blocks without effect.

Shapes are checked as far as they are known without a network, so that every member of a space
can be built. Sizes are two: a cell input's and the cell's own, which differ in a reduction cell.
Channels are counted in the cell's filters F: a state made by a `concat` combine has 2F. Numbers of
channels and pixels need a skeleton (`nasdsl.network`). Every skeleton brings the cell inputs to F
filters; where one does not (the raw stem in slim's CIFAR network), the network's own check has
the last word.

A block that reaches no output is probably a mistake; it is not built, not counted and not part
of the canonical form.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from nasdsl.errors import Diagnostic, Label, Source, listed
from nasdsl.language.genotype.blocks import BlockPlaces, CellPlaces
from nasdsl.language.genotype.liveness import live_blocks
from nasdsl.language.genotype.resolve import Resolution
from nasdsl.language.genotype.types import (
    BlockSpace,
    CellSpace,
    Hidden,
    Space,
    State,
)
from nasdsl.language.genotype.vocabulary import Combine, Op, Vocabulary

if TYPE_CHECKING:
    from fractions import Fraction

Width: TypeAlias = "int | Fraction"  # channels in units of the cell's filters

_ONE: frozenset[Width] = frozenset({1})
# More widths than this in one state mean nested concatenations; one per kind is enough.
_MAX_WIDTHS = 64


def shape_findings(
    space: Space, cell: CellSpace, places: CellPlaces, source: Source
) -> Iterator[Diagnostic]:
    """Findings NAS308 and NAS309 about one cell, over every member of the space."""
    vocabulary = space.vocabulary
    able = [op.name for op in vocabulary.ops if op.can_reduce]
    unable = frozenset(vocabulary.op).difference(
        able if cell.kind == "reduction" else vocabulary.op
    )
    all_widths = block_widths(vocabulary, cell)
    for block, place, widths in zip(cell.blocks, places.blocks, all_widths, strict=True):
        findings: list[Diagnostic] = []
        if unable and not unable.isdisjoint((*block.ops[0], *block.ops[1])):
            findings += _reduce_findings(unable, able, block, place, source)
        yield from findings
        if findings or (widths.left is _ONE and widths.right is _ONE):
            continue
        for name in block.combines:
            mismatch = _mismatch(vocabulary.combine[name], widths.left, widths.right)
            if mismatch:
                yield _cannot_match(name, mismatch, block, place, source)


class BlockWidths(NamedTuple):
    """The widths in one block over all members: of its operands, and of the state it makes."""

    left: frozenset[Width]
    right: frozenset[Width]
    made: frozenset[Width]


def block_widths(vocabulary: Vocabulary, cell: CellSpace) -> Iterator[BlockWidths]:
    """The channels in each block of a cell, in units of the cell's filters F."""
    widths: dict[str, frozenset[Width]] = {}
    # Most blocks of a long cell apply the ops of another one to states as wide.
    alike: dict[object, BlockWidths] = {}
    for block in cell.blocks:
        first, second = block.inputs
        key = (_widths_of(first, widths), _widths_of(second, widths), block.ops, block.combines)
        found = alike.get(key)
        if found is None:
            found = alike[key] = _block_widths(vocabulary, block, key[:2])
        widths[block.name] = found.made
        yield found


def _reduce_findings(
    unable: Collection[str],
    able: list[str],
    block: BlockSpace,
    place: BlockPlaces,
    source: Source,
) -> Iterator[Diagnostic]:
    for side in (0, 1):
        given = [state for state in block.inputs[side] if isinstance(state, Hidden)]
        for name in block.ops[side] if given else ():
            if name in unable:
                yield Diagnostic(
                    "NAS309",
                    f"op `{name}` cannot reduce, but it reads `{given[0]}` in a reduction cell",
                    source,
                    place.fields[2 + side],
                    label="none of its forms takes the stride",
                    secondary=(Label(place.fields[side], "a cell input has to be reduced"),),
                    hints=(f"ops that can reduce are {listed(able)}",) if able else (),
                )


def _widths_of(states: tuple[State, ...], widths: dict[str, frozenset[Width]]) -> frozenset[Width]:
    """The widths that any of these states has; that of a cell input is F."""
    if len(states) == 1:
        (state,) = states
        return _ONE if isinstance(state, Hidden) else widths.get(state.name, _ONE)
    return _shared(frozenset[Width]().union(*(_widths_of((state,), widths) for state in states)))


def _block_widths(
    vocabulary: Vocabulary, block: BlockSpace, given: tuple[frozenset[Width], ...]
) -> BlockWidths:
    """The widths in a block whose two inputs have these."""
    left, right = (
        frozenset(_op_width(vocabulary.op[name], width) for name in names for width in wide)
        for names, wide in zip(block.ops, given, strict=True)
    )
    made: set[Width] = set()
    for name in block.combines:
        made |= _combined(vocabulary.combine[name], left, right)
    return BlockWidths(
        _shared(left), _shared(right), _shared(frozenset(sorted(made)[:_MAX_WIDTHS]) or _ONE)
    )


def _shared(widths: frozenset[Width]) -> frozenset[Width]:
    """The same widths; F alone is one and the same object, so that comparing it is quick."""
    return _ONE if widths == _ONE else widths


def _op_width(op: Op, width: Width) -> Width:
    """The width that comes out: F where some form gives it, else what the op keeps."""
    for form in op.forms:
        given = width if form.divisor is None else _share(form.divisor)
        if given == 1:
            return given
    if not op.forms or op.forms[0].divisor is None:
        return width
    return _share(op.forms[0].divisor)


def _share(divisor: int) -> Width:
    """F / divisor. Few vocabularies have parts of F, so what they need is imported here."""
    if divisor == 1:
        return 1
    from fractions import Fraction

    return Fraction(1, divisor)


def _mismatch(
    combine: Combine, left: frozenset[Width], right: frozenset[Width]
) -> tuple[Width, Width] | None:
    if combine.operation != "sum" or len(left | right) == 1:
        return None
    pairs = ((one, other) for one in sorted(left) for other in sorted(right))
    return next((pair for pair in pairs if pair[0] != pair[1]), None)


def _combined(combine: Combine, left: frozenset[Width], right: frozenset[Width]) -> set[Width]:
    if combine.divisor is not None:
        return {_share(combine.divisor)}
    if combine.operation == "sum":
        return set(left & right) or set(left)
    return {one + other for one in left for other in right}


def _cannot_match(
    name: str,
    widths: tuple[Width, Width],
    block: BlockSpace,
    place: BlockPlaces,
    source: Source,
) -> Diagnostic:
    left, right = (in_filters(width) for width in widths)
    return Diagnostic(
        "NAS308",
        f"`{name}` adds a state of {left} to one of {right} filters in `{block.name}`",
        source,
        place.fields[4],
        label="needs two states of the same shape",
        secondary=(
            Label(place.fields[2], f"{left} filters come out here"),
            Label(place.fields[3], f"{right} filters come out here"),
        ),
        hints=(
            "use an op that brings its input to F filters, or a combine that concatenates",
            "an op can have a form for it: `op blur = [avg_pool(3x3, stride)] else "
            "[avg_pool(3x3, stride), pointwise, batch_norm]`",
        ),
    )


def in_filters(width: Width) -> str:
    """A width as people write it: `F`, `2F`, `F/4`."""
    if width.denominator != 1:
        return f"F/{width.denominator}" if width.numerator == 1 else f"{width}F"
    return "F" if width == 1 else f"{width}F"


def dead_block_findings(
    cell: CellSpace, places: CellPlaces, source: Source
) -> Iterator[Diagnostic]:
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
            label="its result is never used",
            secondary=secondary,
            hints=(f"name `{block.name}` in the output, read it in a block, or remove it",),
        )


def validation_findings(resolution: Resolution) -> Iterator[Diagnostic]:
    """The findings about the cells a text defines; nothing where it has errors already."""
    space = resolution.space
    if space is None:
        return
    for cell in space.cells:
        places = resolution.places.get(cell.kind)
        if places is not None:
            yield from shape_findings(space, cell, places, resolution.parsed.source)
            yield from dead_block_findings(cell, places, resolution.parsed.source)


__all__ = ["BlockWidths", "block_widths", "in_filters", "validation_findings"]
