"""The ranks of a sketch, and the order of what stands in each.

Purpose: which unit stands beside which, so that as few wires cross as can be found, after
Sugiyama's method: units in ranks, wires that pass a rank threaded through it, orders
improved by the means of neighbours and by exchanges. Deterministic.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise, permutations
from math import fsum

from nasdsl.drawing.sketch import Sketch, Unit, Wire, unit_by_box

_SWEEPS = 6
_STARTS = 6
#: Above this many items in a rank, exchanges are not tried any more.
_MAX_EXCHANGED = 14


@dataclass(frozen=True, slots=True)
class RankItem:
    """What has a place in a rank: a unit, or a wire that passes."""

    id: str
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """A piece of a wire from one rank to the next; slots order the ends within an item."""

    tail: str
    tail_slot: int
    head: str
    head_slot: int


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


Order = list[list[str]]
FixedOrder = tuple[tuple[str, ...], ...]


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
    for names_by_rank in _best_orders(starts, crossed):
        ranks = tuple(
            tuple(rank[name] for name in names)
            for rank, names in zip(items, names_by_rank, strict=True)
        )
        yield RankedSketch(ranks, paths, crossed)


# An editor draws a cell anew when the name of an op changes, which moves nothing.
@lru_cache(maxsize=32)
def _best_orders(
    starts: tuple[FixedOrder, ...], hops: tuple[tuple[Hop, ...], ...]
) -> tuple[FixedOrder, ...]:
    """Of the orders that those at the start lead to, the ones with the fewest crossings."""
    gaps = [list(gap) for gap in hops]
    found: dict[FixedOrder, int] = {}
    for start in starts:
        order, crossings = _improved_order([list(rank) for rank in start], gaps)
        found.setdefault(_fixed(order), crossings)
    fewest = min(found.values())
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


def _improved_order(order: Order, hops: list[list[Hop]]) -> tuple[Order, int]:
    best, fewest = [list(rank) for rank in order], _all_crossings(order, hops)
    for sweep in range(_SWEEPS):
        _sweep(order, hops, upward=sweep % 2 == 0)
        _exchange(order, hops)
        crossings = _all_crossings(order, hops)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in order], crossings
    return best, fewest


def _sweep(order: Order, hops: list[list[Hop]], upward: bool) -> None:
    """Sort each rank by the mean place of its neighbours in the rank before."""
    gaps = range(len(hops)) if upward else reversed(range(len(hops)))
    for gap in gaps:
        fixed, free = (gap, gap + 1) if upward else (gap + 1, gap)
        place = _relative_places(order[fixed])
        near: dict[str, list[float]] = defaultdict(list)
        for hop in hops[gap]:
            mine, other = (hop.head, hop.tail) if upward else (hop.tail, hop.head)
            near[mine].append(place[other])
        now = _relative_places(order[free])
        mean = {
            name: fsum(near[name]) / len(near[name]) if near[name] else now[name]
            for name in order[free]
        }
        order[free].sort(key=lambda name: mean[name])


def _relative_places(names: list[str]) -> dict[str, float]:
    """Places from 0 to 1, so that ranks of different lengths compare."""
    return {name: index / max(1, len(names) - 1) for index, name in enumerate(names)}


def _exchange(order: Order, hops: list[list[Hop]]) -> None:
    """Exchange two items of a rank wherever fewer wires cross that way, until none helps."""
    for _ in range(_SWEEPS):
        helped = False
        for rank, names in enumerate(order):
            if len(names) > _MAX_EXCHANGED:
                continue
            now = _crossings_near(order, hops, rank)
            for a, b in combinations(range(len(names)), 2):
                names[a], names[b] = names[b], names[a]
                then = _crossings_near(order, hops, rank)
                if then < now:
                    now, helped = then, True
                else:
                    names[a], names[b] = names[b], names[a]
        if not helped:
            return


def _crossings_near(order: Order, hops: list[list[Hop]], rank: int) -> int:
    gaps = (gap for gap in (rank - 1, rank) if 0 <= gap < len(hops))
    return sum(_crossings(order, hops, gap) for gap in gaps)


def _all_crossings(order: Order, hops: list[list[Hop]]) -> int:
    return sum(_crossings(order, hops, gap) for gap in range(len(hops)))


def _crossings(order: Order, hops: list[list[Hop]], gap: int) -> int:
    """How many pairs of hops cross in a gap; wires that share an end do not."""
    low = {name: index for index, name in enumerate(order[gap])}
    high = {name: index for index, name in enumerate(order[gap + 1])}
    ends = sorted(((low[h.tail], h.tail_slot), (high[h.head], h.head_slot)) for h in hops[gap])
    seen: list[tuple[int, int]] = []
    crossings = 0
    for _, head in ends:
        crossings += len(seen) - bisect_right(seen, head)
        insort(seen, head)
    return crossings
