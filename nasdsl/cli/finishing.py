"""What `nasdsl search finish` does once PyTorch is there.

Purpose: a run for each of the best networks, then the winners in their order.
Non-goals: training (`nasdsl.train`), searching.
"""

from pathlib import Path
from typing import Any

from nasdsl.cli import output, training
from nasdsl.cli.searching import commented
from nasdsl.cli.train_progress import Bars, watcher_for_terminal
from nasdsl.cli.writing import replace_text
from nasdsl.errors import refuse
from nasdsl.genotype.settings import Settings
from nasdsl.loading import loads
from nasdsl.search.store import Reader, Trial
from nasdsl.train.loop import Interrupted
from nasdsl.train.run import train_run
from nasdsl.train.run_folder import RunFolder


def finished(
    store: Path,
    out: Path,
    count: int,
    settings: Settings,
    flags: dict[str, Any],
    quiet: bool,
) -> list[dict[str, Any]] | None:
    """The winners, best first, with their files written; None where it was interrupted.

    Raises:
        CellError: the store, the recipe, the data, a network or a folder are refused.
    """
    with Reader(store) as opened:
        best = opened.best(count)
    if not best:
        raise refuse("NAS867", f"no network of {str(store)!r} has a reward yet")
    scored: list[tuple[float, Trial]] = []
    for place, trial in enumerate(best, 1):
        output.note(f"{place}/{len(best)}  {trial.hash}, {trial.reward:.4f} in the search")
        accuracy = _trained(out / "runs" / trial.hash, trial, settings, flags, quiet)
        if accuracy is None:
            return None
        scored.append((accuracy, trial))
    scored.sort(key=lambda pair: -pair[0])
    winners = []
    width = max(3, len(str(len(scored))))
    for place, (accuracy, trial) in enumerate(scored, 1):
        line = f"# accuracy {accuracy:.6g} after recipe {flags['recipe']} on {flags['data']}\n"
        replace_text(out / f"{place:0{width}}.cell", line + commented(trial))
        winners.append({"accuracy": accuracy, "reward": trial.reward, "hash": trial.hash})
    output.note(f"wrote {len(winners)} files to {out}")
    return winners


def _trained(
    path: Path, trial: Trial, settings: Settings, flags: dict[str, Any], quiet: bool
) -> float | None:
    """The accuracy on held-out images (on test images where none are held out)."""
    folder = RunFolder(path)
    if folder.exists:
        job, splits = folder.job(), None
    else:
        folder, job, splits = training.begun(loads(trial.text), settings, str(path), flags)
    watchers = watcher_for_terminal(quiet)
    try:
        fitted = train_run(folder, job, splits=splits, watchers=watchers)
    except Interrupted:
        output.note("interrupted; everything is saved, and the same command goes on")
        return None
    finally:
        for watcher in watchers:
            if isinstance(watcher, Bars):
                watcher.close()
    found = fitted.held_out or fitted.test
    assert found is not None, "every source of data has images that are not trained on"
    return found.accuracy
