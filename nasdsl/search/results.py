"""What a search has found, as values, `.cell` texts and files.

Purpose: how a search stands in one look, a trial's text with its scores in comments, and
folders of the best.
Non-goals: tables for other programs (`nasdsl.search.exporting`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nasdsl.atomic_write import replace_text, write_errors
from nasdsl.errors import CellError, cell_error, plural
from nasdsl.report.visible import visible
from nasdsl.search.checking import checked_network
from nasdsl.search.objectives import gains_of, stored_objectives
from nasdsl.search.pareto import front
from nasdsl.search.store import Counts, Reader, Trial
from nasdsl.search.store.records import Rung
from nasdsl.values import typed

#: The name in a text, and the most characters that a name has of its store's.
_HEADER = re.compile(r"^genotype[ \t]+\w+", re.MULTILINE | re.ASCII)
_NAME = 40
#: Numbers from here on are not written in full.
_LARGE = 1e15


@dataclass(frozen=True, slots=True)
class Summary:
    """How a search stands.

    Attributes:
        settings: what it was started with, as its store has it.
        counts: its trials; where no search runs, those that one left running are queued.
        is_running: whether a search has the store open.
        best: the trial with the highest reward, checked.
        failed: the first trial that failed, or was rejected where nothing else is there.
        front: how many networks are on the Pareto front; None where there is one objective.
        by_function: trials with the reward of a network of another structure.
        rungs: of a search that trains in parts, the first part first.
    """

    settings: Mapping[str, Any]
    counts: Counts
    is_running: bool
    best: Trial | None
    failed: Trial | None
    front: int | None = None
    by_function: int = 0
    rungs: tuple[Rung, ...] = ()


def summary(store: str | os.PathLike[str]) -> Summary:
    """How the search in a store stands now.

    Raises:
        CellError: NAS865, the best trial is not what the store says it is; as `Reader` does.
    """
    path = Path(store)
    with Reader(path) as opened:
        best = next((checked_network(trial, path) for trial in opened.best()), None)
        counts = opened.counts()
        if not opened.is_in_use:
            # A process that was killed could not say that nothing runs any more.
            counts = replace(counts, queued=counts.queued + counts.running, running=0)
        failed = None
        if counts.failed or best is None:
            failed = _first_failure(opened)
        settings = opened.settings()
        objectives = stored_objectives(settings, path)
        on_front = None
        if len(objectives) > 1:
            points = [gains_of(trial, objectives, path) for trial in opened.distinct()]
            on_front = len(front(points))
        by_function = opened.shared_by_function() if settings.get("same") == "function" else 0
        return Summary(
            *(settings, counts, opened.is_in_use, best, failed, on_front, by_function),
            rungs=tuple(opened.rungs()),
        )


def _first_failure(opened: Reader) -> Trial | None:
    """The first trial that failed; else the first with a reason to have no reward."""
    rejected = None
    for trial in opened.trials():
        if trial.state in ("failed", "quarantined"):
            return trial
        if trial.failure and rejected is None:
            rejected = trial
    return rejected


def no_result(store: str | os.PathLike[str], reason: str | None = None) -> CellError:
    """The error about a search in which no network has a reward.

    Args:
        store: the search's.
        reason: why a trial failed.
    """
    said = f": {reason}" if reason else ""
    return cell_error(
        "NAS872",
        f"no network of {os.fspath(store)!r} has a reward{said}",
        f"to see why trials failed, run `nasdsl search export {os.fspath(store)} trials.csv`",
    )


def trial_name(trial: Trial, store: str | os.PathLike[str]) -> str:
    """What the genotype of a trial is called: the name of its search's store, and its number."""
    name = re.sub(r"\W+", "_", Path(store).stem, flags=re.ASCII).strip("_")
    first = "" if name[:1].isalpha() else "s"  # a name begins with a letter
    return f"{first}{name[:_NAME]}_{trial.id}"


def named_text(trial: Trial, store: str | os.PathLike[str]) -> str:
    """A trial's text under its own name; in the store, all have that of the space."""
    return _HEADER.sub(f"genotype {trial_name(trial, store)}", trial.text, count=1)


@typed
def trial_text(trial: Trial, store: str | os.PathLike[str] | None = None) -> str:
    """A trial's text, with its scores in comments before it.

    Args:
        trial: one that has a reward.
        store: that of its search, after which the genotype is named; None keeps its name.
    """
    sizes = [
        f"{value:,} {what}"
        for what, value in (("parameters", trial.params), ("mult-adds", trial.mult_adds))
        if value is not None
    ]
    lines = [f"# reward {number_text(trial.reward)}, trial {trial.id}, hash {trial.hash}"]
    if trial.epochs is not None:
        lines.append(f"# after {plural(trial.epochs, 'epoch')}")
    if trial.inherits is not None:
        lines.append(f"# its training began with weights of trial {trial.inherits}")
    if trial.measures:
        said = ", ".join(f"{name} {number_text(value)}" for name, value in trial.measures.items())
        lines.append(f"# {visible(said)}")
    if sizes:
        lines.append(f"# evaluated in a network of {', '.join(sizes)}")
    return "".join(f"{line}\n" for line in lines) + (
        trial.text if store is None else named_text(trial, store)
    )


def number_text(value: float | None) -> str:
    """A reward or a measure: whole numbers, such as parameters, in full; others to six digits."""
    if value is None:
        return "none"
    is_whole = abs(value) < _LARGE and float(value).is_integer()
    return f"{value:,.0f}" if is_whole else f"{value:.6g}"


def write_ranking(texts: Sequence[str], folder: str | os.PathLike[str]) -> list[Path]:
    """Write texts, the best first, as `001.cell` and so on into a folder that may be new.

    Raises:
        CellError: NAS006, the folder or a file cannot be written.
    """
    with write_errors(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    width = max(3, len(str(len(texts))))
    paths = [Path(folder) / f"{place:0{width}}.cell" for place in range(1, len(texts) + 1)]
    for path, text in zip(paths, texts, strict=True):
        replace_text(path, text)
    return paths
