"""How far a search is from the best network of its table, after how many networks.

Regret is the best value of the table less that of the network that is best so far. It is known
only where every network is: for searches of a table. Columns in `report` have a regret of their
own, that of the network which is best by what the search saw.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from nasdsl.errors import cell_error
from nasdsl.report.plots import COLOURS, content_of, count_along, frame, label, new_picture
from nasdsl.search.checking import checked_trial
from nasdsl.search.evaluators import evaluator
from nasdsl.search.evaluators.places import spec_at
from nasdsl.search.evaluators.table import TableEvaluator
from nasdsl.search.objectives import REWARDS, stored_objectives
from nasdsl.search.store import Reader, Trial


def regrets(trials: Sequence[Trial | None], table: TableEvaluator) -> dict[str, list[float]]:
    """The regret after each trial, by the column of the table; its rewards come first.

    Args:
        trials: those that are counted, in the order of the proposals; None adds nothing. The first
            is one that has a reward.
        table: what the search looks its rewards up in.
    """
    best_reward = max(score.reward for score in table.scores.values())
    columns = table.reports or {}
    best_reports = {name: max(values.values()) for name, values in columns.items()}
    found: dict[str, list[float]] = {name: [] for name in (table.column, *columns)}
    best = -math.inf
    reported: Mapping[str, float] = {}
    for trial in trials:
        if trial is not None and trial.reward is not None and trial.reward > best:
            best, reported = trial.reward, table.reported(trial.text)
        if best > -math.inf:
            found[table.column].append(best_reward - best)
            for name, value in reported.items():
                found[name].append(best_reports[name] - value)
    return found


def table_of(store: Path) -> TableEvaluator:
    """The table that a search looks its rewards up in.

    Raises:
        CellError: NAS886, it has another evaluator, or another objective than the reward; NAS883,
            the table cannot be read.
    """
    with Reader(store) as opened:
        settings = opened.settings()
    spec = spec_at(str(settings.get("evaluator")), settings.get("folder"), store)
    objectives = stored_objectives(settings, store)
    others = [one for one in objectives if one.less or one.spec or one.name not in REWARDS]
    if spec.partition(":")[0] != "table" or len(objectives) > 1 or others:
        raise cell_error(
            "NAS886",
            f"the best network of {str(store)!r} is not known: its evaluator is {spec!r:.80}"
            + "".join(f", and it wants {one.text:.60}" for one in others[:1]),
            "regret is drawn of searches of a `table` with one objective, the reward",
        )
    found = evaluator(spec)
    assert isinstance(found, TableEvaluator)
    return found


def trials_of(store: Path, *, unique: bool) -> list[Trial | None]:
    """The trials that ended, each network once; None for a sample that adds none.

    Where networks are trained in parts, those that were trained to the end: what is reached before
    is not what the table's best has.
    """
    with Reader(store) as opened:
        fidelity = opened.settings().get("fidelity")
        whole = None if fidelity is None else fidelity.get("max_epochs")
        ended = [
            checked_trial(trial, store)
            if trial.reward is not None and trial.same_as is None and trial.epochs == whole
            else None
            for trial in opened.trials()
            if trial.state in ("done", "failed", "quarantined")
        ]
    return [trial for trial in ended if trial is not None] if unique else ended


def regrets_figure(
    searches: Mapping[str, Mapping[str, Sequence[float]]], format: str, counted: str
) -> bytes:
    """The picture of several searches by name, each with its regrets by column.

    Args:
        searches: the regret after each network.
        format: `svg`, `png` or `pdf`.
        counted: what the x axis counts, in words.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """
    with new_picture((7.2, 4.2)) as picture:
        axes = picture.subplots()
        for number, (name, columns) in enumerate(searches.items()):
            for style, (column, values) in zip(
                ("-", "--", ":", "-."), columns.items(), strict=False
            ):
                axes.plot(
                    range(1, len(values) + 1),
                    values,
                    style,
                    color=COLOURS[number % len(COLOURS)],
                    lw=1.3,
                    label=f"{label(name)}, {label(column)}",
                    ds="steps-post",
                )
        count_along(axes)
        frame(axes, counted, "regret")
        axes.legend(frameon=False, loc="upper right")
        return content_of(picture, format)
