"""Figure 6 of Zoph et al. 2018: how good the best networks are after how many samples.

For k = 1, 5 and 25 a curve is the mean reward of the k best unique networks so far. The paper's
x axis counts all sampled architectures: a network that is proposed again moves no curve up, but
to the right. The other axis counts unique networks, which is what a search pays for.
(`bench/search_quality.py` compares algorithms over many seeds.)
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush, heappushpop
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from nasdsl.atomic_write import replace_bytes, require_writable
from nasdsl.drawing import PictureFormat, form_of
from nasdsl.errors import cell_error, install_hint
from nasdsl.report.visible import visible
from nasdsl.search.results import no_result
from nasdsl.search.store import Reader, Trial

#: The paper's: the best one, and the means of the 5 and the 25 best.
BEST_OF = (1, 5, 25)
_COLOURS = ("#2f66a3", "#c2562d", "#3c8a4e", "#7a4fa3", "#8a6d1d", "#4b4d55")
_STYLES = {1: "-", 5: "--", 25: ":"}
_MAX_POINTS = 2000
#: What the x axis counts; `sampled` is the paper's.
Axis = Literal["sampled", "unique"]
_AXIS_LABELS: dict[Axis, str] = {
    "sampled": "networks sampled",
    "unique": "unique networks evaluated",
}
#: Of trials that have their outcome; those beyond the limits are not counted.
_ENDED = ("done", "failed", "quarantined")
FORMATS: tuple[PictureFormat, ...] = ("svg", "png", "pdf")


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
    total, means = 0.0, []
    for reward in rewards:
        if reward is None:
            pass
        elif len(best) < k:
            heappush(best, reward)
            total += reward
        else:
            total += reward - heappushpop(best, reward)
        if len(best) == k:
            means.append(total / k)
    return means


def write_figure(
    stores: Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str],
    *,
    axis: Axis = "sampled",
) -> None:
    """Draw the searches of several stores into one picture.

    Args:
        stores: the searches; they may be running.
        path: the picture, an `.svg`, `.png` or `.pdf` file.
        axis: what the x axis counts: `sampled` networks, as in the paper, or `unique` ones.

    Raises:
        CellError: NAS712, the suffix is not that of a picture; NAS701, matplotlib is not
            installed; NAS006, the picture cannot be written; NAS872, a store has no reward;
            what a store is refused for.
    """
    form = form_of(path, FORMATS)
    require_writable(path)
    paths = [Path(store) for store in stores]
    stems = [each.stem for each in paths]
    rewards = sampled_rewards if axis == "sampled" else unique_rewards
    searches: dict[str, Sequence[float | None]] = {}
    for each in paths:
        # Stores of one name in different folders are told apart by their paths.
        name = each.stem if stems.count(each.stem) == 1 else str(each)
        with Reader(each) as store:
            algorithm = store.settings().get("algorithm")
            counted = rewards(store.trials())
        if all(reward is None for reward in counted):
            raise no_result(each)
        searches[f"{algorithm} ({name})"] = counted
    replace_bytes(path, figure(searches, form, axis))


def figure(
    searches: Mapping[str, Sequence[float | None]], format: str, axis: Axis = "sampled"
) -> bytes:
    """The picture of several searches by name, each with its rewards in order.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise cell_error(
            "NAS701",
            "the figure needs matplotlib, which is not installed",
            install_hint("plot"),
        ) from None
    settings: dict[Any, Any] = {"svg.hashsalt": "nasdsl", "font.size": 9}
    with matplotlib.rc_context(settings):
        picture = Figure(figsize=(7.2, 4.2), facecolor="white", layout="constrained")
        axes = picture.subplots()
        for number, (name, rewards) in enumerate(searches.items()):
            shown = _label(name)
            colour = _COLOURS[number % len(_COLOURS)]
            found = {at: one for at, one in enumerate(rewards, 1) if one is not None}
            # So many points would make the picture's file large, were they not one image.
            flat = len(found) > _MAX_POINTS
            axes.scatter(
                list(found), list(found.values()), 5, colour, alpha=0.3, lw=0, rasterized=flat
            )
            for k in BEST_OF:
                line = best_so_far(rewards, k)
                positions = range(len(rewards) - len(line) + 1, len(rewards) + 1)
                label = f"{shown}, best" if k == 1 else f"{shown}, mean of best {k}"
                if line:
                    axes.plot(
                        positions,
                        line,
                        _STYLES[k],
                        color=colour,
                        linewidth=1.3,
                        label=label,
                        drawstyle="steps-post",
                    )
        axes.set_xlabel(_AXIS_LABELS[axis])
        axes.set_ylabel("reward")
        axes.grid(True, color="#e4e4e8", linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(frameon=False, loc="lower right")
        content = BytesIO()
        no_date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        picture.savefig(content, format=format, dpi=160, metadata=no_date.get(format))
    return content.getvalue()


def _label(name: str) -> str:
    """A name as matplotlib draws it as text; a part between dollars would be a formula."""
    return visible(name).replace("$", r"\$")
