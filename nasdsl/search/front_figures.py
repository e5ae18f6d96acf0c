"""The picture of searches with several objectives: Pareto fronts, and hypervolumes."""

from collections.abc import Mapping, Sequence

from nasdsl.report.plots import (
    COLOURS,
    content_of,
    count_along,
    draw_points,
    frame,
    label,
    new_picture,
)
from nasdsl.search.objectives import Objective
from nasdsl.search.pareto import Gains, front, hypervolumes, worst


def fronts_figure(
    searches: Mapping[str, Sequence[Gains | None]],
    objectives: Sequence[Objective],
    format: str,
    counted: str,
) -> bytes:
    """The picture of several searches by name.

    Left, every network by the first two objectives, and the front of those; right, the
    hypervolume over the networks. It is measured from the worst value of each objective in all the
    searches, so it compares them, and means nothing beyond the picture.

    Args:
        searches: the values of each network, more being better, in the order of the proposals;
            None for one that adds none.
        objectives: of all of them, two or more.
        format: `svg`, `png` or `pdf`.
        counted: what the axis of the hypervolumes counts, in words.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    reference = worst(point for points in searches.values() for point in points if point)
    across, up = objectives[1], objectives[0]
    with new_picture((10.0, 4.2)) as picture:
        left, right = picture.subplots(1, 2)
        for number, (name, points) in enumerate(searches.items()):
            colour, shown = COLOURS[number % len(COLOURS)], label(name)
            known = [point for point in points if point]
            pairs = [(across.gain(point[1]), up.gain(point[0])) for point in known]
            draw_points(left, [x for x, _ in pairs], [y for _, y in pairs], colour)
            best = sorted(pairs[at] for at in front([point[:2] for point in known]))
            # Nothing between two points of a front has been found: the line keeps to the worse.
            steps = "steps-post" if across.less else "steps-pre"
            left.plot(
                *zip(*best, strict=True),
                color=colour,
                lw=1.3,
                marker="o",
                ms=3,
                label=shown,
                ds=steps,
            )
            volumes = hypervolumes(points, reference)
            right.plot(
                range(1, len(volumes) + 1),
                volumes,
                color=colour,
                lw=1.3,
                label=shown,
                ds="steps-post",
            )
        frame(left, _named(across), _named(up))
        count_along(right)
        frame(right, counted, "hypervolume")
        left.legend(frameon=False, loc="best")
        right.legend(frameon=False, loc="lower right")
        return content_of(picture, format)


def _named(objective: Objective) -> str:
    return f"{label(objective.name)} ({'less' if objective.less else 'more'} is better)"
