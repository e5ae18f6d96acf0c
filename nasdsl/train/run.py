"""`train_run`: a training in a run folder, from its newest checkpoint to its report.

Ctrl-C and SIGTERM ask the training to stop: it completes the present step, saves and ends. A
second signal interrupts at once.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nasdsl import export
from nasdsl.api.compile import compile
from nasdsl.language.genotype.settings import DEFAULT_SKELETON, stem_names
from nasdsl.loading import loads
from nasdsl.train.data import Splits, datasets
from nasdsl.train.loop import fit
from nasdsl.train.recipe import Recipe
from nasdsl.train.report import write_report
from nasdsl.train.results import Fitted
from nasdsl.train.run_folder import MODEL, TENSORBOARD, Job, RunFiles, RunFolder
from nasdsl.train.watchers import TensorBoard, Watcher

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


#: SIGTERM is what a cluster sends some time before it takes a machine away.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Whether to stop after the present step."""
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Catch the signals while the block runs; outside the main thread none are caught."""
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, asked._handle)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
