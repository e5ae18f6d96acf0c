"""A run: a training with a folder of its own.

Purpose: begin a run, go on with one, and leave its model and its report.
Non-goals: what the files are (`nasdsl.train.run_folder`), flags.
"""

import os
from collections.abc import Sequence
from typing import Any

from nasdsl import export
from nasdsl.api.compile import compile
from nasdsl.language.genotype.settings import DEFAULT_SKELETON, stem_names
from nasdsl.loading import loads
from nasdsl.train.data import Splits, datasets
from nasdsl.train.interruption import interruption
from nasdsl.train.loop import fit
from nasdsl.train.recipe import Recipe
from nasdsl.train.report import write_report
from nasdsl.train.results import Fitted
from nasdsl.train.run_folder import MODEL, TENSORBOARD, Job, RunFiles, RunFolder
from nasdsl.train.tensorboard import TensorBoard
from nasdsl.train.watcher import Watcher

#: The largest images, in pixels a side, that are small.
_SMALL = 64


def network_settings(data: Splits, recipe: Recipe, skeleton: str | None = None) -> dict[str, Any]:
    """The network settings that follow from the data and the recipe, for `nasdsl.compile`.

    Images of up to 64 pixels get the CIFAR stem: the ImageNet stem would leave of them, after
    two reductions more, a map of a pixel or two. A skeleton with other stems keeps its own.
    """
    stem = "cifar" if data.image_size <= _SMALL else "imagenet"
    known = stem in stem_names(skeleton or DEFAULT_SKELETON)
    return {
        **({"stem": stem} if known else {}),
        "classes": data.classes,
        "image_size": data.image_size,
        "input_channels": data.channels,
        "auxiliary": recipe.auxiliary_weight > 0,
        "drop_path": recipe.drop_path,
        "dropout": recipe.dropout,
    }


def is_first_process() -> bool:
    """Whether this is the process, of those that torchrun started, that writes."""
    return os.environ.get("RANK", "0") == "0"


def train_run(
    folder: RunFolder,
    job: Job,
    *,
    splits: Splits | None = None,
    watchers: Sequence[Watcher] = (),
    save_seconds: float = 600,
    tensorboard: bool = True,
) -> Fitted:
    """Train what a run's folder asks for, from its newest checkpoint where it has one.

    Args:
        folder: the run.
        job: what it does.
        splits: its data, where they are at hand.
        watchers: besides the run's files.
        save_seconds: as `fit` takes it.
        tensorboard: whether to write scalars for TensorBoard, where it is installed.

    Raises:
        CellError: as `fit` does.
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    data = datasets(job.data, job.recipe) if splits is None else splits
    net = compile(loads(job.network), seed=job.seed)
    files: list[Watcher] = [RunFiles(folder)]
    if tensorboard:
        files += TensorBoard.where_installed(folder / TENSORBOARD)
    with interruption() as stop:
        fitted = fit(
            net,
            data,
            job.recipe,
            seed=job.seed,
            execution=job.execution,
            checkpoints=folder.checkpoints,
            save_seconds=save_seconds,
            watchers=(*files, *watchers),
            stop=stop,
            test=True,
        )
    if is_first_process():
        export.write(net, folder / MODEL)
        write_report(folder, job, fitted)
    return fitted
