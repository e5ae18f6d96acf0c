"""How many wires cross between neighbouring ranks, and what a change of an order costs.

Purpose: the counts by which `nasdsl.drawing.ranks` orders what stands in a rank. Wires that share
an end do not cross there.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass
from itertools import combinations
from math import fsum

Order = list[list[str]]
FixedRank = tuple[str, ...]
FixedOrder = tuple[FixedRank, ...]
#: For items u and v, how many more wires cross where v is left of u than where u is left of v.
CrossingsByTurning = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Hop:
    """A piece of a wire from one rank to the next; slots order the ends within an item."""

    tail: str
    tail_slot: int
    head: str
    head_slot: int


class CrossingCounts:
    """Counts for any order of the same ranks.

    They follow from the orders of a few ranks, and a search meets the same ones again and again:
    each is counted once. Looking upward, a rank is seen from the one below it.
    """

    def __init__(self, hops: tuple[tuple[Hop, ...], ...]) -> None:
        self.hops = hops
        self._crossings: dict[tuple[int, FixedRank, FixedRank], int] = {}
        self._turning: dict[tuple[int, FixedRank, FixedRank], CrossingsByTurning] = {}
        self._turning_on_side: dict[tuple[int, bool, FixedRank], CrossingsByTurning] = {}
        self._means: dict[tuple[int, bool, FixedRank], dict[str, float]] = {}

    def total(self, order: Order | FixedOrder) -> int:
        """How many pairs of wires cross."""
        return sum(
            self._in_gap(gap, tuple(order[gap]), tuple(order[gap + 1]))
            for gap in range(len(self.hops))
        )

    def _in_gap(self, gap: int, below: FixedRank, above: FixedRank) -> int:
        key = gap, below, above
        if (known := self._crossings.get(key)) is not None:
            return known
        low = {name: index for index, name in enumerate(below)}
        high = {name: index for index, name in enumerate(above)}
        hops = self.hops[gap]
        ends = sorted(((low[h.tail], h.tail_slot), (high[h.head], h.head_slot)) for h in hops)
        seen: list[tuple[int, int]] = []
        crossings = 0
        for _, head in ends:
            crossings += len(seen) - bisect_right(seen, head)
            insort(seen, head)
        self._crossings[key] = crossings
        return crossings

    def by_turning(self, order: Order, rank: int) -> CrossingsByTurning:
        """What turning two items of a rank costs, where the ranks beside it stay as they are."""
        if rank == 0 or rank == len(self.hops):
            return self._by_turning_on_side(order, rank, upward=rank > 0)
        key = rank, tuple(order[rank - 1]), tuple(order[rank + 1])
        if (known := self._turning.get(key)) is None:
            below = self._by_turning_on_side(order, rank, upward=True)
            above = self._by_turning_on_side(order, rank, upward=False)
            names = order[rank]
            known = {u: {v: below[u][v] + above[u][v] for v in names} for u in names}
            self._turning[key] = known
        return known

    def _by_turning_on_side(self, order: Order, rank: int, upward: bool) -> CrossingsByTurning:
        key = rank, upward, tuple(order[rank - 1 if upward else rank + 1])
        if (known := self._turning_on_side.get(key)) is not None:
            return known
        ends = self._ends(order, rank, upward)
        turning: CrossingsByTurning = {name: {name: 0} for name in order[rank]}
        for u, v in combinations(order[rank], 2):
            change = sum((a < b) - (a > b) for a in ends[u] for b in ends[v])
            turning[u][v], turning[v][u] = change, -change
        self._turning_on_side[key] = turning
        return turning

    def mean_places(self, order: Order, rank: int, upward: bool) -> dict[str, float]:
        """The mean place of the neighbours on one side, for each item that has some there."""
        beside = order[rank - 1 if upward else rank + 1]
        key = rank, upward, tuple(beside)
        if (known := self._means.get(key)) is None:
            relative = list(relative_places(beside).values())
            known = self._means[key] = {
                name: fsum(relative[at] for at, _ in ends) / len(ends)
                for name, ends in self._ends(order, rank, upward).items()
                if ends
            }
        return known

    def _ends(self, order: Order, rank: int, upward: bool) -> dict[str, list[tuple[int, int]]]:
        """For each item, place and slot of the other ends of its hops on one side."""
        beside = order[rank - 1 if upward else rank + 1]
        place = {name: index for index, name in enumerate(beside)}
        ends: dict[str, list[tuple[int, int]]] = {name: [] for name in order[rank]}
        for hop in self.hops[rank - 1 if upward else rank]:
            if upward:
                ends[hop.head].append((place[hop.tail], hop.tail_slot))
            else:
                ends[hop.tail].append((place[hop.head], hop.head_slot))
        return ends


def relative_places(names: list[str]) -> dict[str, float]:
    """Places from 0 to 1, so that ranks of different lengths compare."""
    return {name: index / max(1, len(names) - 1) for index, name in enumerate(names)}
