"""Figure 6 of Zoph et al. 2018: how good the best networks are after how many samples.

For k = 1, 5 and 25 a curve is the mean reward of the k best unique networks so far. The paper's
x axis counts all sampled architectures: a network that is proposed again moves no curve up, but
to the right. The other axis counts unique networks, which is what a search pays for.
(`bench/search_quality.py` compares algorithms over many seeds.)
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush, heappushpop
from math import fsum
from pathlib import Path
from typing import Literal

from nasdsl.atomic_write import replace_bytes, require_writable
from nasdsl.drawing import PLOT_FORMATS, form_of
from nasdsl.errors import cell_error
from nasdsl.report.plots import (
    COLOURS,
    add_legend_below,
    content_of,
    count_along,
    draw_points,
    frame,
    label,
    new_picture,
)
from nasdsl.search.front_figures import fronts_figure
from nasdsl.search.objectives import Objective, gains_of, stored_objectives
from nasdsl.search.pareto import Gains
from nasdsl.search.regret_figures import regrets, regrets_figure, table_of, trials_of
from nasdsl.search.results import no_result
from nasdsl.search.rung_figures import rungs_figure, spent_of
from nasdsl.search.store import Reader, Trial

#: The paper's: the best one, and the means of the 5 and the 25 best.
BEST_OF = (1, 5, 25)
_STYLES = {1: "-", 5: "--", 25: ":"}
#: What the x axis counts; `sampled` is the paper's.
Axis = Literal["sampled", "unique"]
_AXIS_LABELS: dict[Axis, str] = {
    "sampled": "networks sampled",
    "unique": "unique networks evaluated",
}
#: Of trials that have their outcome; those beyond the limits are not counted.
_ENDED = ("done", "failed", "quarantined")


def unique_rewards(trials: Iterable[Trial]) -> list[float]:
    """The rewards of the unique networks, in the order in which they were proposed."""
    return [trial.reward for trial in trials if trial.reward is not None and trial.same_as is None]


def sampled_rewards(trials: Iterable[Trial]) -> list[float | None]:
    """A reward for each unique network, and None for each sample that adds none.

    That is a network that was proposed before, or one whose evaluation failed.
    """
    return [
        trial.reward if trial.same_as is None else None for trial in trials if trial.state in _ENDED
    ]


def best_so_far(rewards: Sequence[float | None], k: int) -> list[float]:
    """The mean of the k best so far, after the k-th reward and after all that follow."""
    best: list[float] = []
    means = []
    for reward in rewards:
        if reward is None:
            pass
        elif len(best) < k:
            heappush(best, reward)
        else:
            heappushpop(best, reward)
        if len(best) == k:
            # Summed anew: a running sum would keep what a very large reward has cut off.
            means.append(fsum(best) / k)
    return means


def write_figure(
    stores: Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str],
    *,
    axis: Axis = "sampled",
    regret: bool = False,
) -> None:
    """Draw the searches of several stores into one picture.

    With several objectives, it has the Pareto fronts by the first two of them, and beside them
    the hypervolume over the networks; where networks are trained in parts, the rewards of each rung
    against the epochs that were trained.

    Args:
        stores: the searches; they may be running.
        path: the picture, an `.svg`, `.png` or `.pdf` file.
        axis: what the x axis counts: `sampled` networks, as in the paper, or `unique` ones.
        regret: draw how far the best network is from the best of the table instead.

    Raises:
        CellError: NAS712, the suffix is not that of a picture; NAS701, matplotlib is not
            installed; NAS006, the picture cannot be written; NAS872, a store has no reward;
            NAS885, the searches have different objectives; NAS886, regret is not known; NAS887,
            only some of them train in parts; what a store is refused for.
    """
    form = form_of(path, PLOT_FORMATS)
    require_writable(path)
    searches = {name: Path(store) for name, store in _names(stores).items()}
    if regret:
        known = {name: (each, table_of(each)) for name, each in searches.items()}
        lines = {}
        for name, (each, table) in known.items():
            lines[name] = regrets(trials_of(each, unique=axis == "unique"), table)
            if not lines[name][table.column]:
                raise no_result(each)
        replace_bytes(path, regrets_figure(lines, form, _AXIS_LABELS[axis]))
        return
    if _all_in_parts(list(searches.values())):
        spent = {}
        for name, each in searches.items():
            with Reader(each) as store:
                spent[name] = spent_of(store.trials())
            if not spent[name]:
                raise no_result(each)
        replace_bytes(path, rungs_figure(spent, form))
        return
    objectives = _common_objectives(list(searches.values()))
    if len(objectives) > 1:
        points = {name: _points(each, objectives, axis) for name, each in searches.items()}
        replace_bytes(path, fronts_figure(points, objectives, form, _AXIS_LABELS[axis]))
        return
    rewards = sampled_rewards if axis == "sampled" else unique_rewards
    found: dict[str, Sequence[float | None]] = {}
    for name, each in searches.items():
        with Reader(each) as store:
            found[name] = rewards(store.trials())
        if all(reward is None for reward in found[name]):
            raise no_result(each)
    replace_bytes(path, figure(found, form, axis))


def _names(stores: Sequence[str | os.PathLike[str]]) -> dict[str, str | os.PathLike[str]]:
    """The stores by the algorithm and their names; a path tells two of one name apart."""
    stems = [Path(store).stem for store in stores]
    found = {}
    for store, stem in zip(stores, stems, strict=True):
        with Reader(Path(store)) as opened:
            algorithm = opened.settings().get("algorithm")
        name = stem if stems.count(stem) == 1 else os.fspath(store)
        found[name if name == algorithm else f"{algorithm} ({name})"] = store
    return found


def _all_in_parts(stores: Sequence[Path]) -> bool:
    """Whether these searches train in parts.

    Raises:
        CellError: NAS887, only some of them do, so that nothing could be compared.
    """
    found = []
    for each in stores:
        with Reader(each) as store:
            found.append(store.settings().get("fidelity") is not None)
    if any(found) and not all(found):
        parts, whole = stores[found.index(True)], stores[found.index(False)]
        raise cell_error(
            "NAS887",
            f"{str(parts)!r} trains in parts and {str(whole)!r} does not, so they cannot be drawn "
            "together",
            "draw each in a picture of its own",
        )
    return all(found)


def _common_objectives(stores: Sequence[Path]) -> tuple[Objective, ...]:
    """The objectives that all of these searches have.

    Raises:
        CellError: NAS885, they differ, so that nothing could be compared.
    """
    found = []
    for each in stores:
        with Reader(each) as store:
            found.append(stored_objectives(store.settings(), each))
    for each, objectives in zip(stores, found, strict=True):
        directions = [(one.name, one.less) for one in objectives]
        if directions != [(one.name, one.less) for one in found[0]]:
            raise cell_error(
                "NAS885",
                f"{str(stores[0])!r} and {str(each)!r} have different objectives, and cannot be "
                "drawn together",
                "draw each in a picture of its own",
            )
    return found[0]


def _points(store: Path, objectives: Sequence[Objective], axis: Axis) -> list[Gains | None]:
    """The values of the objectives of each network that the axis counts; None adds nothing."""
    with Reader(store) as opened:
        found = [
            gains_of(trial, objectives, store)
            if trial.state == "done" and trial.same_as is None
            else None
            for trial in opened.trials()
            if trial.state in _ENDED
        ]
    if not any(found):
        raise no_result(store)
    return found if axis == "sampled" else [point for point in found if point is not None]


def figure(
    searches: Mapping[str, Sequence[float | None]], format: str, axis: Axis = "sampled"
) -> bytes:
    """The picture of several searches by name, each with its rewards in order.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    with new_picture((7.2, 4.2)) as picture:
        axes = picture.subplots()
        for number, (name, rewards) in enumerate(searches.items()):
            shown = label(name)
            colour = COLOURS[number % len(COLOURS)]
            found = {at: one for at, one in enumerate(rewards, 1) if one is not None}
            draw_points(axes, list(found), list(found.values()), colour)
            for k in BEST_OF:
                line = best_so_far(rewards, k)
                positions = range(len(rewards) - len(line) + 1, len(rewards) + 1)
                said = f"{shown}, best" if k == 1 else f"{shown}, mean of best {k}"
                if line:
                    axes.plot(
                        positions,
                        line,
                        _STYLES[k],
                        color=colour,
                        linewidth=1.3,
                        label=said,
                        drawstyle="steps-post",
                    )
        count_along(axes)
        frame(axes, _AXIS_LABELS[axis], "reward")
        if axes.lines:
            # Beside the points, of which any may be anywhere.
            add_legend_below(picture, columns=len(BEST_OF))
        return content_of(picture, format)
