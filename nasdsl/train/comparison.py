"""Comparing runs: what they do differently, and how well.

Everything is read from the files of their folders, finished or not; PyTorch is not needed.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nasdsl.canonical import canonical_hash
from nasdsl.drawing import PictureFormat
from nasdsl.errors import Source
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import cells_of_text
from nasdsl.report.plots import label
from nasdsl.train.curves import loss_and_accuracy
from nasdsl.train.results import Epoch, Evaluation, Mean, mean_of
from nasdsl.train.run_folder import (
    MODEL,
    NETWORK,
    Job,
    RunFolder,
    has_seeds,
    recorded_results,
    seed_folders,
)


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run, as its files say.

    Attributes:
        path: of its folder.
        settings: all that decides what it computes and how it runs, by name: `data`, `seed`,
            `cells` (their hash), `recipe.lr`, `network.N`, `execution.device`, ...
        history: the epochs so far.
        finished: whether it has its model.
        tested: on the test images, at the end; None before, and where there are none.
    """

    path: str
    settings: dict[str, Any]
    history: tuple[Epoch, ...]
    finished: bool
    tested: Evaluation | None = None

    @property
    def held_out(self) -> float | None:
        """Accuracy on the images held out, after the last epoch."""
        last = self.history[-1].held_out if self.history else None
        return None if last is None else last.accuracy

    @property
    def test(self) -> float | None:
        """Accuracy on the test images, at the end."""
        return None if self.tested is None else self.tested.accuracy

    @property
    def best(self) -> float | None:
        """The highest accuracy on the images held out after any epoch."""
        found = [epoch.held_out.accuracy for epoch in self.history if epoch.held_out]
        return max(found, default=None)


def compared_run(path: str | os.PathLike[str]) -> ComparedRun:
    """The run in a folder.

    Raises:
        CellError: NAS843, there is no run, or its files are damaged.
    """
    folder = RunFolder(path)
    job = folder.job()
    text = Source(os.fspath(folder / NETWORK), job.network)
    settings = run_settings(job, cells_of_text(text))
    finished, test = (folder / MODEL).is_file(), recorded_results(folder).get("test")
    return ComparedRun(os.fspath(path), settings, folder.history(), finished, test)


def compared_runs(path: str | os.PathLike[str]) -> list[ComparedRun]:
    """The run in a folder, or the runs of several seeds that are there.

    Raises:
        CellError: as `compared_run` does.
    """
    if not has_seeds(path):
        return [compared_run(path)]
    return [compared_run(folder.path) for folder in seed_folders(path)]


def means_of(runs: Sequence[ComparedRun]) -> dict[str, Mean]:
    """The mean accuracy of runs on the images held out and on the test images, where they have one.

    The runs without it, which are not done, do not count.
    """
    values = {
        "held_out": [run.held_out for run in runs if run.finished and run.held_out is not None],
        "test": [run.test for run in runs if run.test is not None],
    }
    return {part: mean_of(found) for part, found in values.items() if found}


def differing_settings(runs: Sequence[ComparedRun]) -> dict[str, list[Any]]:
    """The settings that are not the same in all runs: the value of each, None where it has none."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    values = {name: [run.settings.get(name) for run in runs] for name in names}
    return {name: row for name, row in values.items() if any(each != row[0] for each in row)}


def comparison_curves(runs: Sequence[ComparedRun], form: PictureFormat = "svg") -> bytes:
    """Loss while training and accuracy on held-out images by epoch, as a picture of that form.

    Raises:
        CellError: NAS701, matplotlib is not installed.
    """

    def draw(loss: Any, accuracy: Any) -> None:
        for run in runs:
            loss.plot([epoch.epoch for epoch in run.history], [epoch.loss for epoch in run.history])
            measured = [epoch for epoch in run.history if epoch.held_out]
            accuracy.plot(
                [epoch.epoch for epoch in measured],
                [100 * epoch.held_out.accuracy for epoch in measured if epoch.held_out],
                label=label(run.path),
            )
        loss.set_ylabel("loss while training (nats)")
        accuracy.set_ylabel("accuracy on held-out images (%)")
        accuracy.legend(frameon=False, loc="lower right")

    return loss_and_accuracy(draw, form)


def run_settings(job: Job, genotype: Genotype) -> dict[str, Any]:
    """All that decides what a run computes and how it runs, by name, in plain values.

    `genotype` is what the text of the job's network says.
    """
    weights = {} if job.weights is None else asdict(job.weights)
    return {
        "data": job.data,
        "seed": job.seed,
        "cells": canonical_hash(genotype),
        **{f"network.{key}": value for key, value in genotype.settings.given().items()},
        **{f"recipe.{key}": value for key, value in asdict(job.recipe).items()},
        **{f"weights.{key}": value for key, value in weights.items()},
        **{f"execution.{key}": value for key, value in asdict(job.execution).items()},
    }
