"""`train_run`: a training in a run folder, from its newest checkpoint to its report.

Ctrl-C and SIGTERM ask the training to stop: it completes the present step, saves and ends. A
second signal interrupts at once.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from types import FrameType
from typing import Any

import torch

from nasdsl import export
from nasdsl.api.compile import compile
from nasdsl.errors import cell_error
from nasdsl.language.genotype.settings import DEFAULT_SKELETON, stem_names
from nasdsl.loading import loads
from nasdsl.train.data import Splits, datasets
from nasdsl.train.loop import fit
from nasdsl.train.recipe import Recipe
from nasdsl.train.report import write_report
from nasdsl.train.results import Fitted
from nasdsl.train.run_folder import MODEL, TENSORBOARD, Job, MetricsFile, RunFolder
from nasdsl.train.watchers import TensorBoard, Watcher

#: The largest images, in pixels a side, that are small.
_SMALL = 64


def network_settings(data: Splits, recipe: Recipe, skeleton: str | None = None) -> dict[str, Any]:
    """The network settings that follow from the data and the recipe, for `nasdsl.compile`.

    Images of up to 64 pixels get the CIFAR stem: after the ImageNet stem and two more
    reductions, a map of only a pixel or two would be left. A skeleton with other stems
    keeps its own.
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
    """Whether this is the process that writes, of those that torchrun started."""
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
    """Train the network of a run, from its newest checkpoint if it has one.

    Args:
        folder: the run.
        job: the network, the data and the recipe.
        splits: the data, if they have been loaded already.
        watchers: in addition to those that write the run's files.
        save_seconds: as for `fit`.
        tensorboard: whether to write scalars for TensorBoard, if it is installed.

    Raises:
        CellError: NAS841, another process is training in the folder; NAS843, its checkpoint
            was made with another recipe, seed or data; NAS707, the device has
            too little memory; as `fit` does.
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    # Of the processes of torchrun, only the first one writes.
    with folder.locked() if is_first_process() else nullcontext():
        return _train(folder, job, splits, watchers, save_seconds, tensorboard)


def _train(
    folder: RunFolder,
    job: Job,
    splits: Splits | None,
    watchers: Sequence[Watcher],
    save_seconds: float,
    tensorboard: bool,
) -> Fitted:
    data = datasets(job.data, job.recipe) if splits is None else splits
    _require_same_training(folder, job, data)
    net = compile(loads(job.network), seed=job.seed)
    files: list[Watcher] = [MetricsFile(folder)]
    if tensorboard:
        files += TensorBoard.if_installed(folder / TENSORBOARD)
    with interruption() as stop, _memory_errors(job.execution.accumulation):
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
        findings = export.write_or_keep(net, folder / MODEL)
        fitted = replace(fitted, findings=findings)
        write_report(folder, job, fitted)
    return fitted


def _require_same_training(folder: RunFolder, job: Job, data: Splits) -> None:
    """A report says one recipe, seed and data, so all epochs must have had them.

    Raises:
        CellError: NAS843, the newest checkpoint was made with others than the folder names.
    """
    loaded = folder.checkpoints.newest()
    if loaded is None:
        return
    recipe: dict[str, Any] = loaded.state.get("recipe", {})
    made_with: dict[str, Any] = {
        **{name: recipe[name] for name in asdict(job.recipe) if name in recipe},
        # Checkpoints of version 0.1.0 do not have these.
        **{name: loaded.state[name] for name in ("seed", "data") if name in loaded.state},
    }
    now: dict[str, Any] = {**asdict(job.recipe), "seed": job.seed, "data": data.name}
    differing = [name for name, value in made_with.items() if now[name] != value]
    if differing:
        raise cell_error(
            "NAS843",
            f"the checkpoint {loaded.path.name} in {str(folder.path)!r} was made with another "
            f"{' and another '.join(differing)}",
            *(
                f"{name} was {made_with[name]!r:.60}, and is {now[name]!r:.60}"
                for name in differing
            ),
            "undo the change to the files of the run, or train in another folder",
        )


def leave_processes() -> None:
    """Part from the other processes of a run, as PyTorch wants it done at the end."""
    group = torch.distributed
    if group.is_available() and group.is_initialized():
        group.destroy_process_group()


@contextmanager
def _memory_errors(accumulation: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError:
        raise cell_error(
            "NAS707",
            "the device has too little memory for this batch",
            f"`--accumulate {2 * accumulation}` cuts it into smaller parts",
            "`--precision bf16` halves what each part takes",
        ) from None


#: A cluster sends SIGTERM some time before it takes a machine away.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether a signal has asked to stop."""

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
    """Catch the signals while the block runs; outside the main thread, none are caught."""
    request = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, request._handle)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
