"""The picture of searches that train in parts: rewards against epochs trained, by rung."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nasdsl.errors import plural
from nasdsl.report.plots import (
    COLOURS,
    add_legend_below,
    content_of,
    draw_points,
    frame,
    label,
    new_picture,
)
from nasdsl.search.store import Trial

_STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True, slots=True)
class Spent:
    """A network at the end of a part of its training.

    Attributes:
        spent: epochs that all trainings of the search took together, up to and with this one.
        epochs: those of this network from the start.
        reward: after them.
    """

    spent: int
    epochs: int
    reward: float


def spent_of(trials: Iterable[Trial]) -> list[Spent]:
    """The networks of a search that trains in parts, in the order of its proposals.

    What was shared cost nothing and adds nothing; what failed is left out.
    """
    epochs: dict[int, int] = {}
    spent, found = 0, []
    for trial in trials:
        if trial.epochs is None:
            continue
        epochs[trial.id] = trial.epochs
        if trial.reward is None or trial.same_as is not None:
            continue
        before = 0 if trial.continues is None else epochs.get(trial.continues, 0)
        spent += trial.epochs - before
        found.append(Spent(spent, trial.epochs, trial.reward))
    return found


def rungs_figure(searches: Mapping[str, Sequence[Spent]], format: str) -> bytes:
    """The picture of several searches by name: points by rung, and the best of each rung so far.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    with new_picture((7.2, 4.2)) as picture:
        axes = picture.subplots()
        for number, (name, points) in enumerate(searches.items()):
            colour = COLOURS[number % len(COLOURS)]
            spent = [each.spent for each in points]
            draw_points(axes, spent, [each.reward for each in points], colour)
            # The longest trainings have the full line: they are what the search is about.
            rungs = sorted({each.epochs for each in points}, reverse=True)
            for style, epochs in zip(_STYLES, rungs, strict=False):
                best, at, line = float("-inf"), [], []
                for each in points:
                    if each.epochs == epochs:
                        best = max(best, each.reward)
                    if best > float("-inf"):
                        at.append(each.spent)
                        line.append(best)
                said = f"{label(name)}, best after {plural(epochs, 'epoch')}"
                axes.plot(at, line, style, color=colour, lw=1.3, label=said, ds="steps-post")
        frame(axes, "epochs trained by all networks", "reward")
        add_legend_below(picture, columns=2)
        return content_of(picture, format)
