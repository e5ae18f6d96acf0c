"""Several seeds of one training of a detector: a run for each, and the mean of their precision.

The folder is that of several classifiers (`nasdsl.train.seeds`): `seeds.json`, `seed-0/` and so on,
and `report.md`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from nasdsl.atomic_write import replace_text
from nasdsl.detection.epochs import DetectionEpoch
from nasdsl.detection.run import REPORT, DetectionJob, begin_detection, recorded_detection
from nasdsl.errors import CellError, Diagnostic
from nasdsl.report.visible import visible
from nasdsl.train.results import Interrupted, Mean, mean_of
from nasdsl.train.run_folder import RunFolder, seed_folders, write_seeds
from nasdsl.train.seeds_report import mean_cell, means_note, run_cell

#: The figures of which there are means: by the names of `AveragePrecision`, as they are shown.
MEASURES = {"ap": "AP", "ap50": "AP50", "ap75": "AP75"}


class DetectionSeed(NamedTuple):
    """The run of a seed.

    Attributes:
        path: its folder.
        job: what it does.
        last: its last epoch; None where it failed, or is not done.
        failure: why it failed.
    """

    path: Path
    job: DetectionJob
    last: DetectionEpoch | None = None
    failure: Diagnostic | None = None


def begin_detection_seeds(
    path: Path, job: DetectionJob, seeds: Sequence[int], command: Sequence[str]
) -> list[DetectionSeed]:
    """The folders of new runs, one a seed.

    Raises:
        CellError: NAS841, something is there; NAS006, it cannot be written.
    """
    RunFolder(path).require_new()
    runs = []
    for seed in seeds:
        each = replace(job, seed=seed)
        runs.append(DetectionSeed(begin_detection(path / f"seed-{seed}", each, command), each))
    write_seeds(path, seeds)
    return runs


def recorded_detection_seeds(path: Path) -> list[DetectionSeed]:
    """The runs in a folder of several seeds, and what each does.

    Raises:
        CellError: NAS843, files are damaged.
    """
    return [
        DetectionSeed(folder.path, recorded_detection(folder.path)) for folder in seed_folders(path)
    ]


def train_detection_seeds(
    path: Path,
    runs: Sequence[DetectionSeed],
    train: Callable[[int, DetectionSeed], Sequence[DetectionEpoch]],
) -> list[DetectionSeed]:
    """Train every run, each from its newest checkpoint, and write the report of all.

    A training that fails is in the report, and does not keep the others from theirs.

    Args:
        path: the folder of all.
        runs: what is in it.
        train: trains the run of a place, counted from 1; its epochs.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    # Imported here because it brings PyTorch.
    from nasdsl.train.run import interruption

    ended: list[DetectionSeed] = []
    steps = 0
    with interruption() as stop:
        for place, run in enumerate(runs, 1):
            if stop():
                # It came when nothing was left of the run before but its end.
                raise Interrupted(None, steps)
            try:
                last = train(place, run)[-1]
            except CellError as error:
                ended.append(run._replace(failure=error.diagnostics[0]))
            else:
                steps = last.step
                ended.append(run._replace(last=last))
    replace_text(path / REPORT, seeds_report(ended))
    return ended


def means_of(ended: Sequence[DetectionSeed]) -> dict[str, Mean]:
    """The means of `MEASURES` over the runs that were evaluated."""
    found = {}
    for measure in MEASURES:
        values = [value for run in ended if (value := _precision(run, measure)) is not None]
        if values:
            found[measure] = mean_of(values)
    return found


def _precision(run: DetectionSeed, measure: str) -> float | None:
    return None if run.last is None else (run.last.precision or {}).get(measure)


def seeds_report(ended: Sequence[DetectionSeed]) -> str:
    """The report as Markdown."""
    job, means = ended[0].job, means_of(ended)
    lines = [
        f"# {visible(job.plan.graph.name)} on {visible(job.data)}, detector `{job.plan.style}`, "
        f"recipe {visible(job.recipe.name)}, {len(ended)} seeds",
        "",
        f"| seed | {' | '.join(MEASURES.values())} | run |",
        f"|---:|{'---:|' * len(MEASURES)}---|",
    ]
    for run in ended:
        seed, values = run.job.seed, (_precision(run, measure) for measure in MEASURES)
        figures = " | ".join("" if value is None else f"{value:.2%}" for value in values)
        lines.append(f"| {seed} | {figures} | {run_cell(seed, run.failure)} |")
    bold = " | ".join(mean_cell(means.get(measure)) for measure in MEASURES)
    note = means_note([run.failure for run in ended])
    return "\n".join([*lines, f"| mean | {bold} | |", "", note]) + "\n"
