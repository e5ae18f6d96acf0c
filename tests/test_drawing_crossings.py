"""Crossings of wires in pictures of cells, against a search through every order.

Nothing here is counted by the code that orders the cells: two wires cross between two ranks where
one is left of the other below and right of it above, found pair by pair.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise, permutations
from math import factorial, prod

import pytest

from nasdsl import library
from nasdsl.drawing.cell import cell_sketches
from nasdsl.drawing.ranks import RankedSketch, ranked_sketches
from nasdsl.drawing.sketch import Box, Sketch, Unit
from nasdsl.loading import load, load_space, loads

#: Pairs of orders of two neighbouring ranks that a test has the time to try.
MAX_PAIRS = 20_000
#: A piece of a wire: the items at its lower and upper end, and the operand slot above.
Piece = tuple[str, str, int]


def names(cell: RankedSketch) -> list[tuple[str, ...]]:
    return [tuple(item.id for item in rank) for rank in cell.ranks]


def pieces(cell: RankedSketch) -> list[list[Piece]]:
    """For each gap between two ranks, the pieces of wires in it, as it is drawn."""
    units = [item.unit for rank in cell.ranks for item in rank if item.unit]
    slot = {box.id: number for unit in units for number, box in enumerate(unit.feet)}
    rank_of = {name: rank for rank, found in enumerate(names(cell)) for name in found}
    gaps: list[list[Piece]] = [[] for _ in cell.ranks[1:]]
    for wire, path in cell.paths:
        for low, high in pairwise(path):
            gaps[rank_of[low]].append((low, high, slot[wire.head] if high == path[-1] else 0))
    return gaps


def crossings(below: tuple[str, ...], above: tuple[str, ...], gap: list[Piece]) -> int:
    """The pairs of pieces that cross, one by one."""
    found = 0
    for (low, high, slot), (other_low, other_high, other_slot) in combinations(gap, 2):
        start = below.index(low) - below.index(other_low)
        end = above.index(high) - above.index(other_high) or slot - other_slot
        found += start * end < 0
    return found


def drawn_crossings(cell: RankedSketch) -> int:
    return sum(
        crossings(below, above, gap)
        for (below, above), gap in zip(pairwise(names(cell)), pieces(cell), strict=True)
    )


def fewest_crossings(cell: RankedSketch) -> int:
    """Over all orders of all ranks: the best ways to each order of a rank, rank after rank.

    Crossings of a gap are a sum over pairs of items above, each with itself too, that depends on
    nothing but which of the two is left. Operands that commute do not cross each other.
    """
    ranks = names(cell)
    free = {item.id for rank in cell.ranks for item in rank if item.unit and item.unit.commutes}
    fewest = dict.fromkeys(permutations(ranks[0]), 0)
    for rank, gap in zip(ranks[1:], pieces(cell), strict=True):
        reached: dict[tuple[str, ...], int] = {}
        for below, before in fewest.items():
            within, of_pair = before, {}
            for name in {*rank} - free:
                within += crossings(below, rank, [piece for piece in gap if piece[1] == name])
            for left, right in permutations(rank, 2):
                ends = [[p for p in gap if p[1] == name] for name in (left, right)]
                of_pair[left, right] = sum(
                    below.index(a) > below.index(b) for a, _, _ in ends[0] for b, _, _ in ends[1]
                )
            for above in permutations(rank):
                total = within + sum(of_pair[pair] for pair in combinations(above, 2))
                reached[above] = min(total, reached.get(above, total))
        fewest = reached
    return min(fewest.values())


def small_cells() -> Iterator[tuple[str, RankedSketch]]:
    """Cells of the library that differ in their wires and have few enough orders."""
    known = set()
    for name in library.names():
        if not load_space(name).is_genotype:
            continue
        genotype = load(name)
        for sketch, cell in zip(cell_sketches(genotype), genotype.cells, strict=True):
            ranked = next(ranked_sketches(sketch))
            shape = tuple(tuple(sorted(gap)) for gap in pieces(ranked))
            pairs = max(
                prod(factorial(len(rank)) for rank in two) for two in pairwise(ranked.ranks)
            )
            if shape not in known and pairs <= MAX_PAIRS:
                known.add(shape)
                yield f"{name} {cell.kind}", ranked


CELLS = dict(small_cells())


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_no_order_of_a_small_cell_has_fewer_crossings(cell: RankedSketch) -> None:
    assert drawn_crossings(cell) == fewest_crossings(cell)


@pytest.mark.parametrize(
    ("name", "fewest"), [("amoebanet_a reduction", 4), ("gdas normal", 0), ("p_darts normal", 3)]
)
def test_cells_that_take_more_than_one_start(name: str, fewest: int) -> None:
    """From the order of the text alone, 8, 3 and 4 were the fewest found, operands in order."""
    assert drawn_crossings(CELLS[name]) == fewest


def test_the_search_through_every_order_tries_every_order() -> None:
    """On a cell small enough to write out all orders at once."""
    cell = CELLS["example_c_form normal"]
    ways = [[]]
    for rank in names(cell):
        ways = [[*before, order] for before in ways for order in permutations(rank)]
    gaps = pieces(cell)
    counts = [
        sum(crossings(*two, gap) for two, gap in zip(pairwise(way), gaps, strict=True))
        for way in ways
    ]
    assert len(ways) == prod(factorial(len(rank)) for rank in cell.ranks)
    assert fewest_crossings(cell) == min(counts) < max(counts)


TWO_BLOCKS = """
ops nasnet
cell normal {{
    b0 = (h[i], h[i-1], sep_conv_3x3, max_pool_3x3, {0})
    b1 = (h[i-1], h[i], sep_conv_5x5, avg_pool_3x3, {0})
    output each(b0, b1)
}}
"""


@pytest.mark.parametrize(("combine", "left"), [("add", ["left", "right"]), ("concat", ["left"])])
def test_operands_that_commute_are_exchanged(combine: str, left: list[str]) -> None:
    """Of two blocks that read the same two states, one has its operands the other way round.

    Where the order of the operands makes a difference, both keep it, and wires cross.
    """
    (sketch,) = cell_sketches(loads(TWO_BLOCKS.format(combine)))
    for cell in ranked_sketches(sketch):
        feet = [item.unit.feet[0].id for item in cell.ranks[1] if item.unit]
        assert sorted({each.rpartition(".")[2] for each in feet}) == left
        # The wires of the two blocks cross once in any case.
        assert drawn_crossings(cell) == fewest_crossings(cell)


def test_inputs_alone_have_an_order() -> None:
    inputs = tuple(Unit(name, "input", (Box(name, (name,), "input"),)) for name in ("h[i]", "x"))
    first = next(ranked_sketches(Sketch("normal", "", inputs, ())))
    assert sorted(names(first)[0]) == ["h[i]", "x"]
