"""The ranks of a sketch, and the order of what stands in each.

Purpose: which unit stands beside which, so that as few wires cross as can be found, after
Sugiyama's method: units in ranks, wires that pass a rank threaded through it, orders
improved by the means of neighbours and by exchanges, from a few starts and, in small cells, from
random ones of a fixed seed. Operands keep their order, unless it makes no difference to the block
and their wires would cross. Deterministic.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, pairwise, permutations
from random import Random

from nasdsl.drawing.crossings import (
    CrossingCounts,
    CrossingsByTurning,
    FixedOrder,
    FixedRank,
    Hop,
    Order,
    relative_places,
)
from nasdsl.drawing.sketch import Sketch, Unit, Wire, unit_by_box

_SWEEPS = 6
_STARTS = 6
#: Random orders to begin from as well, and the sweeps of each. So many find the fewest crossings
#: of each cell of the library with any of a dozen seeds.
_SHUFFLED, _SHUFFLED_SWEEPS = 20, 2
#: Above this many items in a cell, there are no random orders.
_MAX_SHUFFLED = 30
#: Above this many items in a rank, exchanges are not tried any more.
_MAX_EXCHANGED = 14


@dataclass(frozen=True, slots=True)
class RankItem:
    """What has a place in a rank: a unit, or a wire that passes."""

    id: str
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class RankedSketch:
    """A sketch in ranks.

    Attributes:
        ranks: items from the inputs to the outputs, each rank in order.
        paths: for each wire between units, the items it touches, ends included.
        hops: for each gap between two ranks, the pieces of wires that cross it.
    """

    ranks: tuple[tuple[RankItem, ...], ...]
    paths: tuple[tuple[Wire, tuple[str, ...]], ...]
    hops: tuple[tuple[Hop, ...], ...]


def ranked_sketches(sketch: Sketch) -> Iterator[RankedSketch]:
    """The sketch in ranks, in the few orders that have the fewest crossings found."""
    depth = _depths(sketch)
    height = max(depth.values(), default=0) + 1
    items: list[dict[str, RankItem]] = [{} for _ in range(height)]
    for unit in sketch.units:
        items[depth[unit.id]][unit.id] = RankItem(unit.id, unit)
    paths, hops = _threaded(sketch, depth, items)
    starts = tuple(_fixed(order) for order in _starting_orders([list(rank) for rank in items]))
    crossed = tuple(map(tuple, hops))
    commuting = {unit.id for unit in sketch.units if unit.commutes}
    for names_by_rank in _least_crossed(starts, crossed, commuting):
        ranks = []
        for number, names in enumerate(names_by_rank):
            found = [items[number][name] for name in names]
            if number:
                below, gap = names_by_rank[number - 1], crossed[number - 1]
                found = [_uncrossed(item, below, gap) for item in found]
            ranks.append(tuple(found))
        yield RankedSketch(tuple(ranks), paths, crossed)


def _least_crossed(
    starts: tuple[FixedOrder, ...], hops: tuple[tuple[Hop, ...], ...], commuting: Set[str]
) -> Iterable[FixedOrder]:
    """The orders with the fewest crossings, of operands too where that changes nothing."""
    found = _best_orders(starts, hops)
    free = tuple(
        tuple(replace(hop, head_slot=0) if hop.head in commuting else hop for hop in gap)
        for gap in hops
    )
    if free == hops:
        return found
    # Orders in which operands stand as they are written come first, if they are as good.
    counts = CrossingCounts(free)
    fewest = min(map(counts.total, found))
    others = _best_orders(starts, free) if fewest else ()
    if others and counts.total(others[0]) < fewest:
        return others
    return [order for order in found if counts.total(order) == fewest]


def _uncrossed(item: RankItem, below: FixedRank, gap: Iterable[Hop]) -> RankItem:
    """The item with its operands exchanged where their wires would cross for nothing."""
    unit = item.unit
    if unit is None or not unit.commutes:
        return item
    tails = {hop.head_slot: below.index(hop.tail) for hop in gap if hop.head == item.id}
    if len(tails) < 2 or tails[0] <= tails[1]:
        return item
    return replace(item, unit=replace(unit, feet=unit.feet[::-1]))


# An editor draws a cell anew when the name of an op changes, which moves nothing.
@lru_cache(maxsize=32)
def _best_orders(
    starts: tuple[FixedOrder, ...], hops: tuple[tuple[Hop, ...], ...]
) -> tuple[FixedOrder, ...]:
    """Of the orders that those at the start lead to, the ones with the fewest crossings."""
    if not hops:
        return starts
    counts = CrossingCounts(hops)
    found: dict[FixedOrder, int] = {}
    for start in starts:
        order, crossings = _improved_order([list(rank) for rank in start], counts, _SWEEPS)
        found.setdefault(_fixed(order), crossings)
    fewest = min(found.values())
    for order in _shuffled_orders(starts[0]):
        if not fewest:
            break
        # Exchanges first: the first sweep would forget all of the order but that of the inputs.
        _exchange(order, counts)
        better, crossings = _improved_order(order, counts, _SHUFFLED_SWEEPS)
        if crossings < fewest:
            found[_fixed(better)] = fewest = crossings
    return tuple(order for order, crossings in found.items() if crossings == fewest)


def _fixed(order: Order) -> FixedOrder:
    return tuple(map(tuple, order))


def _depths(sketch: Sketch) -> dict[str, int]:
    """Inputs in rank 0, a block above all it reads, outputs above everything."""
    unit_of = unit_by_box(sketch.units)
    reads: dict[str, list[str]] = defaultdict(list)
    for wire in sketch.wires:
        if unit_of[wire.tail] is not unit_of[wire.head]:
            reads[unit_of[wire.head].id].append(unit_of[wire.tail].id)
    depth: dict[str, int] = {}
    for unit in sketch.units:
        if unit.role == "input":
            depth[unit.id] = 0
        elif unit.role == "block":
            depth[unit.id] = 1 + max((depth.get(tail, 0) for tail in reads[unit.id]), default=0)
    top = 1 + max(depth.values(), default=0)
    return depth | {unit.id: top for unit in sketch.units if unit.role == "output"}


def _threaded(
    sketch: Sketch, depth: Mapping[str, int], items: list[dict[str, RankItem]]
) -> tuple[tuple[tuple[Wire, tuple[str, ...]], ...], list[list[Hop]]]:
    """The paths of wires; adds an item to each rank that a wire passes."""
    unit_of = unit_by_box(sketch.units)
    slots = {box.id: slot for unit in sketch.units for slot, box in enumerate(unit.feet)}
    hops: list[list[Hop]] = [[] for _ in items[1:]]
    paths = []
    for number, wire in enumerate(sketch.wires):
        tail, head = unit_of[wire.tail], unit_of[wire.head]
        if tail is head or depth[tail.id] >= depth[head.id]:
            # What two genotypes read together may go in a circle; such a wire goes straight.
            continue
        path = [tail.id]
        for rank in range(depth[tail.id] + 1, depth[head.id]):
            passing = f"wire {number} {rank}"
            items[rank][passing] = RankItem(passing)
            path.append(passing)
        path.append(head.id)
        for step, (a, b) in enumerate(pairwise(path)):
            slot = slots.get(wire.head, 0) if b == head.id else 0
            hops[depth[tail.id] + step].append(Hop(a, 0, b, slot))
        paths.append((wire, tuple(path)))
    return tuple(paths), hops


def _starting_orders(order: Order) -> Iterator[Order]:
    """The order of the text, then others that differ in the inputs."""
    inputs = order[0] if len(order[0]) <= 4 else order[0][:0]
    others = [list(each) for each in permutations(inputs)] if inputs else [order[0]]
    # Older states stand to the left of newer ones in the paper's figures.
    others.sort(key=lambda names: names != order[0][::-1])
    for names in others[:_STARTS]:
        yield [names, *(list(rank) for rank in order[1:])]


def _shuffled_orders(order: FixedOrder) -> Iterator[Order]:
    """The same items in random orders, where they are few; the same orders on every Python."""
    # Of a seeded Random, only the numbers of random() are promised to stay the same.
    chance = Random(0).random
    for _ in range(_SHUFFLED if sum(map(len, order)) <= _MAX_SHUFFLED else 0):
        yield [sorted(names, key=lambda _: chance()) for names in order]


def _improved_order(order: Order, counts: CrossingCounts, sweeps: int) -> tuple[Order, int]:
    best, fewest = [list(rank) for rank in order], counts.total(order)
    for sweep in range(sweeps):
        _sweep(order, counts, upward=sweep % 2 == 0)
        _exchange(order, counts)
        crossings = counts.total(order)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in order], crossings
    return best, fewest


def _sweep(order: Order, counts: CrossingCounts, upward: bool) -> None:
    """Sort each rank by the mean place of its neighbours in the rank before."""
    ranks = range(1, len(order)) if upward else reversed(range(len(order) - 1))
    for rank in ranks:
        place = relative_places(order[rank]) | counts.mean_places(order, rank, upward)
        order[rank].sort(key=place.__getitem__)


def _exchange(order: Order, counts: CrossingCounts) -> None:
    """Exchange two items of a rank wherever fewer wires cross that way, until none helps."""
    exchangeable = {rank for rank, names in enumerate(order) if 1 < len(names) <= _MAX_EXCHANGED}
    waiting = set(exchangeable)
    for _ in range(_SWEEPS):
        for rank in sorted(waiting):
            waiting.discard(rank)
            if _exchanged_in(order[rank], counts.by_turning(order, rank)):
                # What did not help before may help now, in this rank and in those beside it.
                waiting |= exchangeable & {rank - 1, rank, rank + 1}
        if not waiting:
            return


def _exchanged_in(names: list[str], more: CrossingsByTurning) -> bool:
    """Whether exchanges within a rank helped; they are done."""
    helped = False
    for a, b in combinations(range(len(names)), 2):
        left, right = names[a], names[b]
        of_left = more[left]
        change = of_left[right]
        for name in names[a + 1 : b]:
            change += of_left[name] + more[name][right]
        if change < 0:
            names[a], names[b] = right, left
            helped = True
    return helped
