"""Figure 6 of Zoph et al. 2018: how good the best networks are after how many trials.

The paper counts unique models: a network that is proposed again moves no curve. For k = 1, 5 and
25 a curve is the mean reward of the k best so far. (`bench/search_quality.py` compares
algorithms over many seeds.)
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush, heappushpop
from io import BytesIO
from pathlib import Path
from typing import Any

from nasdsl.atomic_write import replace_bytes
from nasdsl.drawing import PictureFormat, form_of
from nasdsl.errors import cell_error, install_hint
from nasdsl.report.visible import visible
from nasdsl.search.results import no_result
from nasdsl.search.store import Reader, Trial

#: The paper's: the best one, and the means of the 5 and the 25 best.
BEST_OF = (1, 5, 25)
_COLOURS = ("#2f66a3", "#c2562d", "#3c8a4e", "#7a4fa3", "#8a6d1d", "#4b4d55")
_STYLES = {1: "-", 5: "--", 25: ":"}
FORMATS: tuple[PictureFormat, ...] = ("svg", "png", "pdf")


def unique_rewards(trials: Iterable[Trial]) -> list[float]:
    """The rewards of the unique networks, in the order in which they were proposed."""
    return [trial.reward for trial in trials if trial.reward is not None and trial.same_as is None]


def best_so_far(rewards: Sequence[float], k: int) -> list[float]:
    """After each network from the k-th on, the mean of the k best so far."""
    best: list[float] = []
    total, means = 0.0, []
    for reward in rewards:
        if len(best) < k:
            heappush(best, reward)
            total += reward
        else:
            total += reward - heappushpop(best, reward)
        if len(best) == k:
            means.append(total / k)
    return means


def write_figure(stores: Sequence[str | os.PathLike[str]], path: str | os.PathLike[str]) -> None:
    """Draw the searches of several stores into one picture.

    Args:
        stores: the searches; they may be running.
        path: the picture, an `.svg`, `.png` or `.pdf` file.

    Raises:
        CellError: NAS712, the suffix is not that of a picture; NAS701, matplotlib is not
            installed; NAS006, the picture cannot be written; NAS872, a store has no reward;
            what a store is refused for.
    """
    form = form_of(path, FORMATS)
    paths = [Path(store) for store in stores]
    stems = [each.stem for each in paths]
    searches = {}
    for each in paths:
        # Stores of one name in different folders are told apart by their paths.
        name = each.stem if stems.count(each.stem) == 1 else str(each)
        with Reader(each) as store:
            algorithm = store.settings().get("algorithm")
            rewards = unique_rewards(store.trials())
        if not rewards:
            raise no_result(each)
        searches[f"{algorithm} ({name})"] = rewards
    replace_bytes(path, figure(searches, form))


def figure(searches: Mapping[str, Sequence[float]], format: str) -> bytes:
    """The picture of several searches by name, each with its unique rewards in order.

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
            for k in BEST_OF:
                line = best_so_far(rewards, k)
                positions = range(k, len(rewards) + 1)
                label = f"{shown}, best" if k == 1 else f"{shown}, mean of best {k}"
                if line:
                    axes.plot(positions, line, _STYLES[k], color=colour, linewidth=1.3, label=label)
        axes.set_xlabel("unique networks evaluated")
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
