"""The shapes of wires.

Purpose: a wire as Bezier curves through the layers it passes.
Non-goals: which layers those are, and where in them it passes (`nasdsl.drawing.layout`).
"""

from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """A point: across the flow, and along it."""

    across: float
    along: float


def curves(
    first: Point, between: Sequence[tuple[float, float, float]], last: Point
) -> tuple[Point, ...]:
    """A path through the layers it passes: straight where it can be, upright in each layer."""
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
