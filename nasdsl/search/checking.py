"""Trials of a store, checked before they are used: a store may come from anybody.

Purpose: a trial is what it says. Its text is a genotype, its hash is that of the text, and its
numbers are numbers. What fails is a diagnostic, before a hash or a text names or fills a file.
Non-goals: whether the file is a store at all (`nasdsl.search.store`); what is safe to print
(`nasdsl.report.visible`).
"""

import math
import os
import re
from dataclasses import fields
from pathlib import Path
from types import NoneType

from nasdsl.canonical import canonical_hash
from nasdsl.errors import CellError, cell_error
from nasdsl.loading import cells_of_text
from nasdsl.search.objectives import gains_of, stored_objectives
from nasdsl.search.pareto import front, fronts
from nasdsl.search.store import Reader, Trial

_HASH = re.compile(r"[0-9a-f]{16}")
#: SQLite keeps values of any type in any column.
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("text", "hash", "state"), (str,)),
    **dict.fromkeys(("lease", "worker", "failure"), (str, NoneType)),
    **dict.fromkeys(("id", "attempts"), (int,)),
    **dict.fromkeys(("same_as", "params", "mult_adds"), (int, NoneType)),
    "proposed": (int, float),
    **dict.fromkeys(("started", "finished", "seconds", "reward"), (int, float, NoneType)),
    "curve": (tuple,),
    "measures": (dict,),
    **dict.fromkeys(("epochs", "continues", "inherits"), (int, NoneType)),
    "function": (str, NoneType),
}


def best_trials(store: str | os.PathLike[str], count: int | None = None) -> list[Trial]:
    """The best networks of a store, best first, each of them checked.

    With several objectives, those of the Pareto front come first, then those of the front of what
    is left, and so on; those of one front in the order of the first objective.

    Args:
        store: the search's.
        count: how many at most; None for the best one, or with several objectives the front.

    Raises:
        CellError: NAS865, a trial is not what the store says it is; as `Reader` does.
    """
    path = Path(store)
    with Reader(path) as opened:
        objectives = stored_objectives(opened.settings(), path)
        if len(objectives) < 2:
            found = opened.best(count or 1)
        else:
            trials = list(opened.distinct())
            points = [gains_of(trial, objectives, path) for trial in trials]
            layers = [front(points)] if count is None else fronts(points, count)
            found = [trials[at] for layer in layers for at in layer][:count]
        return [checked_network(trial, path) for trial in found]


def checked_network(trial: Trial, path: Path) -> Trial:
    """`trial`, if it has a reward and its hash is that of the network its text describes.

    Raises:
        CellError: NAS865, it is something else.
    """
    checked_trial(trial, path)
    if trial.reward is None or not math.isfinite(trial.reward):
        raise _forged_error(path, trial, f"its reward is {trial.reward}")
    try:
        found = canonical_hash(cells_of_text(trial.text))
    except CellError as error:
        first = error.diagnostics[0]
        raise _forged_error(
            path, trial, f"its text has mistakes: {first.code}: {first.message}"
        ) from None
    if found != trial.hash:
        raise _forged_error(
            path, trial, f"its hash is {trial.hash!r:.40}, but that of its text is {found}"
        )
    return trial


def checked_trial(trial: Trial, path: Path) -> Trial:
    """`trial`, if its values have the right types and its hash looks like one.

    Raises:
        CellError: NAS865, a value is something else.
    """
    for field in fields(Trial):
        value = getattr(trial, field.name)
        if not isinstance(value, _TYPES[field.name]):
            raise _forged_error(path, trial, f"its {field.name} is {value!r:.40}")
    if not _HASH.fullmatch(trial.hash):
        raise _forged_error(path, trial, f"its hash is {trial.hash!r:.40}")
    if not all(isinstance(value, int | float) for value in trial.curve):
        raise _forged_error(path, trial, "its curve holds something other than numbers")
    return trial


def _forged_error(path: Path, trial: Trial, why: str) -> CellError:
    return cell_error(
        "NAS865",
        f"trial {trial.id!r:.40} of {str(path)!r} is not what a search writes: {why}",
        "the store is damaged or was changed by another program; use a copy from its search",
    )
