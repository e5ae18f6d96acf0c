"""Places for everything in a sketch, and the shapes of its wires.

Purpose: coordinates in points, with the flow going up: a combine in the middle above its ops, no
wire over a box, and wires as Bezier curves through the ranks they pass. The same sketch gives the
same places on every machine, because nothing is measured on it, and on every Python, because sums
are exact (`sum` rounds otherwise since 3.12).
`nasdsl.drawing.ranks` decides which unit stands beside which; `nasdsl.drawing.picture` turns the
result to other directions and gives it colours.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from math import fsum
from typing import NamedTuple

from nasdsl.drawing.ranks import RankedSketch, RankItem, ranked_sketches
from nasdsl.drawing.sketch import Box, Sketch, Unit, Wire


class Point(NamedTuple):
    """A point: across the flow, and along it."""

    across: float
    along: float


def curves(
    first: Point, between: Sequence[tuple[float, float, float]], last: Point
) -> tuple[Point, ...]:
    """A path through the ranks it passes: straight where it can be, upright in each rank."""
    points = [first]
    for across, bottom, top in between:
        _bend(points, Point(across, bottom), leaves_upright=len(points) > 1, arrives_upright=True)
        points += [Point(across, bottom), Point(across, top), Point(across, top)]
    _bend(points, last, leaves_upright=len(points) > 1, arrives_upright=False)
    return tuple(points)


def _bend(points: list[Point], end: Point, *, leaves_upright: bool, arrives_upright: bool) -> None:
    start = points[-1]
    rise, run = end.along - start.along, end.across - start.across
    points += [
        Point(start.across, start.along + 0.5 * rise)
        if leaves_upright
        else Point(start.across + run / 3, start.along + rise / 3),
        Point(end.across, end.along - 0.5 * rise)
        if arrives_upright
        else Point(end.across - run / 3, end.along - rise / 3),
        end,
    ]


class Size(NamedTuple):
    """The size of a box: across the flow, and along it."""

    across: float
    along: float


@dataclass(frozen=True, slots=True)
class Path:
    """A wire as cubic Bezier curves: its first point, then three for each curve."""

    wire: Wire
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class SketchLayout:
    """Centres of boxes, their sizes, and the paths of wires; the lower left is (0, 0)."""

    sketch: Sketch
    centres: Mapping[str, Point]
    sizes: Mapping[str, Size]
    paths: tuple[Path, ...]
    size: Size


#: Between the ops of a block, between units, between a wire and what it passes; points.
_FOOT_GAP, _UNIT_GAP, _WIRE_GAP = 5.0, 13.0, 9.0
#: From ops to their combine.
_NECK = 15.0
#: Between ranks: the least and the most, and how much for a point that wires move sideways.
_MIN_GAP, _MAX_GAP, _LEAN = 24.0, 74.0, 0.17
_SWEEPS = 40
#: What it may cost in points of wire to have an older input left of a newer one.
_OLDER_LEFT = 120.0
#: How much wires that pass want to be straight, by how many of their ends pass.
_STRAIGHT = (1.0, 2.0, 8.0)


def sketch_layout(sketch: Sketch, size_of: Callable[[Box], Size]) -> SketchLayout:
    """Places for a sketch whose boxes have these sizes."""
    sizes = {box.id: size_of(box) for unit in sketch.units for box in unit.boxes}
    outputs = [wire.head for wire in sketch.wires]
    for unit in sketch.units:
        if unit.role == "output":
            # An output is as long as what it joins needs room to arrive.
            box = unit.feet[0].id
            least = 13.0 * outputs.count(box) + 12.0
            sizes[box] = Size(max(sizes[box].across, least), sizes[box].along)
    return _layout(sketch, tuple(sizes.items()))


# In an editor, most edits change one cell of two.
@lru_cache(maxsize=8)
def _layout(sketch: Sketch, sizes: tuple[tuple[str, Size], ...]) -> SketchLayout:
    found = [_Placer(sketch, each, dict(sizes)) for each in ranked_sketches(sketch)]
    return min(found, key=lambda placer: placer.length).layout()


class _Placer:
    """Coordinates for one order of a sketch."""

    def __init__(self, sketch: Sketch, order: RankedSketch, sizes: Mapping[str, Size]) -> None:
        self.sketch, self.order, self.sizes = sketch, order, sizes
        self.offset = {
            box: offset
            for rank in order.ranks
            for item in rank
            if item.unit is not None
            for box, offset in _box_offsets(item.unit, sizes).items()
        }
        self.half = {item.id: _half_width(item, sizes) for rank in order.ranks for item in rank}
        self.units = {item.id for rank in order.ranks for item in rank if item.unit}
        self.rank_of = {item.id: index for index, rank in enumerate(order.ranks) for item in rank}
        self.near = self._neighbours()
        self.across = self._across()

    # -- across the flow ---------------------------------------------------------------

    def _neighbours(self) -> dict[str, list[tuple[str, float, float]]]:
        """For each item: a neighbour, how far right of it this one wants to be, how much."""
        near: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
        for wire, path in self.order.paths:
            for step, (a, b) in enumerate(pairwise(path)):
                last = step == len(path) - 2
                shift = self.offset[wire.head] if last else 0.0
                passing = (a not in self.units) + (b not in self.units)
                near[a].append((b, shift, _STRAIGHT[passing]))
                near[b].append((a, -shift, _STRAIGHT[passing]))
        return near

    def _across(self) -> dict[str, float]:
        """The centre of each item, where wires are short and straight and nothing touches."""
        across: dict[str, float] = {}
        for rank in self.order.ranks:
            at = _packed_centres(rank, self.half)
            across.update({item.id: x - at[-1] / 2 for item, x in zip(rank, at, strict=True)})
        for sweep in range(_SWEEPS):
            ranks = self.order.ranks if sweep % 2 == 0 else self.order.ranks[::-1]
            for rank in ranks:
                self._relax(rank, across)
        left = min(across[name] - half for name, half in self.half.items())
        return {name: x - left for name, x in across.items()}

    def _relax(self, rank: Sequence[RankItem], across: dict[str, float]) -> None:
        targets, weights = [], []
        for item in rank:
            near = self.near[item.id]
            weight = fsum(each for _, _, each in near)
            wanted = fsum((across[other] + shift) * each for other, shift, each in near)
            targets.append(wanted / weight if weight else across[item.id])
            weights.append(weight or 0.01)
        at = _separated_centres(targets, weights, _packed_centres(rank, self.half))
        across.update({item.id: x for item, x in zip(rank, at, strict=True)})

    @property
    def length(self) -> float:
        """How far wires move sideways altogether.

        Inputs are listed newest first and stand newest last, as in the papers' figures,
        unless that costs more than a little.
        """
        inputs = [item.unit for item in self.order.ranks[0] if item.unit is not None]
        places = [self.sketch.units.index(unit) for unit in inputs]
        turned = sum(a < b for a, b in combinations(places, 2))
        return turned * _OLDER_LEFT + fsum(
            abs(self.across[a] - self.across[b] - shift)
            for a, near in self.near.items()
            for b, shift, _ in near
        )

    # -- along the flow ----------------------------------------------------------------

    def layout(self) -> SketchLayout:
        """Everything at its place."""
        centres: dict[str, Point] = {}
        bottoms, tops = self._bands()
        for rank, bottom, top in zip(self.order.ranks, bottoms, tops, strict=True):
            for item in rank:
                if item.unit is not None:
                    self._place_unit(item.unit, bottom, top, centres)
        paths = self._paths(centres, bottoms, tops)
        width = max(self.across[name] + half for name, half in self.half.items())
        return SketchLayout(self.sketch, centres, self.sizes, paths, Size(width, tops[-1]))

    def _bands(self) -> tuple[list[float], list[float]]:
        """Where each rank begins and ends."""
        bottoms, tops = [0.0], []
        for index, rank in enumerate(self.order.ranks):
            tops.append(bottoms[-1] + max(self._height(item) for item in rank))
            if index < len(self.order.hops):
                bottoms.append(tops[-1] + self._gap(index))
        return bottoms, tops

    def _height(self, item: RankItem) -> float:
        if item.unit is None:
            return 0.0
        feet = max(self.sizes[box.id].along for box in item.unit.feet)
        head = item.unit.head
        return feet if head is None else feet + _NECK + self.sizes[head.id].along

    def _gap(self, index: int) -> float:
        leans = [0.0]
        for wire, path in self.order.paths:
            for step, (a, b) in enumerate(pairwise(path)):
                if self.rank_of[a] == index:
                    last = step == len(path) - 2
                    shift = self.offset[wire.head] if last else 0.0
                    leans.append(abs(self.across[b] + shift - self.across[a]))
        return min(max(_MIN_GAP, _LEAN * max(leans)), _MAX_GAP)

    def _place_unit(self, unit: Unit, bottom: float, top: float, centres: dict[str, Point]) -> None:
        middle = self.across[unit.id]
        feet = max(self.sizes[box.id].along for box in unit.feet)
        for box in unit.feet:
            base = bottom if unit.head else top - feet
            centres[box.id] = Point(middle + self.offset[box.id], base + feet / 2)
        if unit.head is not None:
            centres[unit.head.id] = Point(middle, top - self.sizes[unit.head.id].along / 2)

    # -- wires -------------------------------------------------------------------------

    def _paths(
        self, centres: Mapping[str, Point], bottoms: list[float], tops: list[float]
    ) -> tuple[Path, ...]:
        rank_of = self.rank_of
        routes: dict[int, tuple[str, ...]] = {}
        remaining = list(self.order.paths)
        for number, wire in enumerate(self.sketch.wires):
            if remaining and remaining[0][0] is wire:
                routes[number] = remaining.pop(0)[1]
        leaving, arriving = self._ends(centres, routes)
        paths = []
        for number, wire in enumerate(self.sketch.wires):
            first, last = leaving[number], arriving[number]
            between = [
                (self.across[item], bottoms[rank_of[item]], tops[rank_of[item]])
                for item in routes.get(number, ())[1:-1]
            ]
            paths.append(Path(wire, curves(first, between, last)))
        return tuple(paths)

    def _ends(
        self, centres: Mapping[str, Point], routes: Mapping[int, tuple[str, ...]]
    ) -> tuple[dict[int, Point], dict[int, Point]]:
        """Where each wire leaves its tail and arrives at its head, side by side in order."""
        out: dict[str, list[tuple[float, int]]] = defaultdict(list)
        into: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for number, wire in enumerate(self.sketch.wires):
            passed = routes.get(number, ())[1:-1]
            first = self.across[passed[0]] if passed else centres[wire.head].across
            last = self.across[passed[-1]] if passed else centres[wire.tail].across
            out[wire.tail].append((first, number))
            into[wire.head].append((last, number))
        leaving: dict[int, Point] = {}
        arriving: dict[int, Point] = {}
        for box, wires in out.items():
            leaving.update(self._spread(centres[box], self.sizes[box], wires, 1))
        for box, wires in into.items():
            arriving.update(self._spread(centres[box], self.sizes[box], wires, -1))
        return leaving, arriving

    def _spread(
        self, centre: Point, size: Size, wires: list[tuple[float, int]], side: int
    ) -> dict[int, Point]:
        room = max(size.across - 14.0, 0.0)
        step = min(13.0, room / max(1, len(wires) - 1))
        first = -step * (len(wires) - 1) / 2
        return {
            number: Point(centre.across + first + step * k, centre.along + side * size.along / 2)
            for k, (_, number) in enumerate(sorted(wires))
        }


def _box_offsets(unit: Unit, sizes: Mapping[str, Size]) -> dict[str, float]:
    """Where boxes stand, from the middle of their unit."""
    widths = [sizes[box.id].across for box in unit.feet]
    at = -(fsum(widths) + _FOOT_GAP * (len(widths) - 1)) / 2
    offsets = {} if unit.head is None else {unit.head.id: 0.0}
    for box, width in zip(unit.feet, widths, strict=True):
        offsets[box.id] = at + width / 2
        at += width + _FOOT_GAP
    return offsets


def _half_width(item: RankItem, sizes: Mapping[str, Size]) -> float:
    """Half the width of an item, with its share of the gap to the next."""
    if item.unit is None:
        return _WIRE_GAP / 2
    feet = [sizes[box.id].across for box in item.unit.feet]
    width = fsum(feet) + _FOOT_GAP * (len(feet) - 1)
    head = sizes[item.unit.head.id].across if item.unit.head else 0.0
    # Choices stand under the ops they belong to, which are as close together.
    gap = _FOOT_GAP if item.unit.feet[0].look == "choice" else _UNIT_GAP
    return (max(width, head) + gap) / 2


def _packed_centres(rank: Sequence[RankItem], half: Mapping[str, float]) -> list[float]:
    """Centres of a rank's items, as close together as they may stand."""
    at, found = 0.0, []
    for item in rank:
        found.append(at + half[item.id])
        at += 2 * half[item.id]
    return found


def _separated_centres(
    targets: Sequence[float], weights: Sequence[float], packed: Sequence[float]
) -> list[float]:
    """The places nearest to the targets, by weighted squares, that keep items apart.

    Pooling adjacent violators: less the packed places, places may not fall from item to
    item, and a run that would is put at its weighted mean.
    """
    runs: list[tuple[float, float, int]] = []
    for target, weight, base in zip(targets, weights, packed, strict=True):
        mean, count = target - base, 1
        while runs and runs[-1][0] > mean:
            before, its_weight, its_count = runs.pop()
            mean = (before * its_weight + mean * weight) / (its_weight + weight)
            weight, count = weight + its_weight, count + its_count
        runs.append((mean, weight, count))
    means = [mean for mean, _, count in runs for _ in range(count)]
    return [mean + base for mean, base in zip(means, packed, strict=True)]
