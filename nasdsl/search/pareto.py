"""Pareto fronts: which of several points are best where there is more than one objective.

A point has a value for each objective, and more is better in all of them. One point dominates
another if it is nowhere worse and somewhere better; the front is what nothing dominates.
"""

from collections.abc import Iterable, Sequence

Gains = tuple[float, ...]


def dominates(one: Gains, other: Gains) -> bool:
    """Whether `one` is nowhere worse than `other`, and somewhere better."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def front(points: Sequence[Gains]) -> list[int]:
    """The places of the points that nothing dominates, the best by the first objective first.

    Equal points are all on the front, the earlier one first.
    """
    # In this order, nothing that comes later dominates what came before.
    order = sorted(range(len(points)), key=lambda at: (*(-value for value in points[at]), at))
    found: list[int] = []
    for at in order:
        if not any(dominates(points[other], points[at]) for other in found):
            found.append(at)
    return found


def fronts(points: Sequence[Gains], enough: int | None = None) -> list[list[int]]:
    """The front, the front of what is left without it, and so on (Deb et al. 2002).

    Args:
        points: all of them.
        enough: how many points the fronts have to have together; None for all.
    """
    left, found = list(range(len(points))), list[list[int]]()
    while left and (enough is None or sum(map(len, found)) < enough):
        places = [left[at] for at in front([points[at] for at in left])]
        found.append(places)
        taken = set(places)
        left = [at for at in left if at not in taken]
    return found


def crowding(points: Sequence[Gains]) -> list[float]:
    """How far the neighbours of each point of a front lie apart (Deb et al. 2002, section III-B).

    The sum over all objectives, each as a share of its range; infinite at both ends of one.
    """
    distances = [0.0] * len(points)
    for objective in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda at: points[at][objective])
        low, high = points[order[0]][objective], points[order[-1]][objective]
        distances[order[0]] = distances[order[-1]] = float("inf")
        if high == low:
            continue
        for before, at, after in zip(order, order[1:], order[2:], strict=False):
            gap = points[after][objective] - points[before][objective]
            distances[at] += gap / (high - low)
    return distances


def hypervolume(points: Iterable[Gains], reference: Gains) -> float:
    """The volume of what the points dominate, above the reference (Zitzler and Thiele 1999).

    Exact, by slices along the last objective; with two objectives in n log n.

    Args:
        points: any points; those that are not above the reference in all objectives add nothing.
        reference: the point from which volume is counted, no better than any that should count.
    """
    above = [
        tuple(value - least for value, least in zip(point, reference, strict=True))
        for point in points
    ]
    return _volume([point for point in above if min(point) > 0])


def _volume(points: Sequence[Gains]) -> float:
    """The volume between the origin and points of positive coordinates."""
    if not points:
        return 0.0
    if len(points[0]) == 1:
        return max(point[0] for point in points)
    if len(points[0]) == 2:
        return _area(points)
    total = 0.0
    levels = sorted({point[-1] for point in points}, reverse=True)
    for level, below in zip(levels, [*levels[1:], 0.0], strict=True):
        total += (level - below) * _volume([p[:-1] for p in points if p[-1] >= level])
    return total


def _area(points: Sequence[Gains]) -> float:
    total, height = 0.0, 0.0
    for across, up in sorted(points, reverse=True):
        if up > height:
            total += across * (up - height)
            height = up
    return total


def hypervolumes(points: Sequence[Gains | None], reference: Gains) -> list[float]:
    """The hypervolume after each point; None stands for a result that adds none."""
    kept: list[Gains] = []
    volume, volumes = 0.0, []
    for point in points:
        if point is not None and not any(dominates(other, point) for other in kept):
            kept = [other for other in kept if not dominates(point, other)] + [point]
            volume = hypervolume(kept, reference)
        volumes.append(volume)
    return volumes


def worst(points: Iterable[Gains]) -> Gains:
    """The worst value of each objective among the points, of which there is at least one."""
    return tuple(map(min, zip(*points, strict=True)))
