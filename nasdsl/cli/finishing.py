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
from nasdsl.errors import cell_error
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import loads
from nasdsl.search.store import Reader, Trial
from nasdsl.train.loop import Interrupted
from nasdsl.train.results import Fitted
from nasdsl.train.run import train_run
from nasdsl.train.run_folder import Job, RunFolder


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
        raise cell_error("NAS867", f"no network of {str(store)!r} has a reward yet")
    scored: list[tuple[float, str, Trial]] = []
    for place, trial in enumerate(best, 1):
        output.note(f"{place}/{len(best)}  {trial.hash}, {trial.reward:.4f} in the search")
        fitted = _trained(out / "runs" / trial.hash, trial, settings, flags, quiet)
        if fitted is None:
            return None
        scored.append((*_accuracy(fitted), trial))
    scored.sort(key=lambda pair: -pair[0])
    winners = []
    width = max(3, len(str(len(scored))))
    for place, (accuracy, images, trial) in enumerate(scored, 1):
        line = (
            f"# accuracy {accuracy:.6g} on {images} images after recipe {flags['recipe']}"
            f" on {flags['data']}\n"
        )
        replace_text(out / f"{place:0{width}}.cell", line + commented(trial))
        winners.append(
            {
                "accuracy": accuracy,
                "images": images,
                "reward": trial.reward,
                "hash": trial.hash,
            }
        )
    output.note(f"wrote {len(winners)} files to {out}")
    return winners


def _trained(
    path: Path, trial: Trial, settings: Settings, flags: dict[str, Any], quiet: bool
) -> Fitted | None:
    """What a training reached, here or before; None where it was interrupted.

    Raises:
        CellError: NAS841, the folder has a run of this network that does something else.
    """
    folder = RunFolder(path)
    if folder.exists:
        job = folder.job()
        wanted, splits = training.planned(loads(trial.text), settings, flags)
        _refuse_another(path, job, wanted)
    else:
        folder, job, splits = training.begun(loads(trial.text), settings, str(path), flags)
    watchers = watcher_for_terminal(quiet)
    try:
        return train_run(folder, job, splits=splits, watchers=watchers)
    except Interrupted:
        output.note("interrupted; everything is saved, and the same command goes on")
        return None
    finally:
        for watcher in watchers:
            if isinstance(watcher, Bars):
                watcher.close()


def _refuse_another(path: Path, job: Job, wanted: Job) -> None:
    """Accuracies of one recipe must not stand as those of another; the device may differ."""
    others = [
        name
        for name in ("network", "data", "recipe", "seed")
        if getattr(job, name) != getattr(wanted, name)
    ]
    if others:
        raise cell_error(
            "NAS841",
            f"the run in {str(path)!r} is of another {' and another '.join(others)}",
            "another `--out` begins anew; the same flags as before go on",
        )


def _accuracy(fitted: Fitted) -> tuple[float, str]:
    """By what winners are ranked: held-out images, or test images where none are held out."""
    if fitted.held_out is not None:
        return fitted.held_out.accuracy, "held-out"
    assert fitted.test is not None, "every source of data has images that are not trained on"
    return fitted.test.accuracy, "test"
