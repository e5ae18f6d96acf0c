"""`Watcher`: is called at every stage of a training, and cannot change it.

Progress bars, the files of a run and TensorBoard are watchers; the last of them is here.
"""

import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from nasdsl.atomic_write import write_errors
from nasdsl.train.results import Epoch, Fitted


class TrainingPlan(NamedTuple):
    """What a training is about to do.

    Attributes:
        epochs: of the whole training.
        steps_per_epoch: optimizer steps.
        batch: images a step, over all processes.
        first_step: where it starts; more than 0 when it is resumed.
        history: the epochs before that.
        device: in PyTorch's notation.
        processes: number of processes that share a batch.
        network: its name and size, such as `nasnet_a, 6 @ 768`.
        params: trained parameters, the auxiliary classifier's included.
        mult_adds: multiply-accumulate operations for one image, without that classifier.
    """

    epochs: int
    steps_per_epoch: int
    batch: int
    first_step: int
    history: tuple[Epoch, ...]
    device: str
    processes: int
    network: str = ""
    params: int = 0
    mult_adds: int = 0


class Watcher:
    """Does nothing; subclasses override the methods they need.

    With several processes only the first has watchers.
    """

    def started(self, plan: TrainingPlan) -> None:
        """Training is about to take its first step."""

    def stepped(self, step: int, learning_rate: float) -> None:
        """A step is complete; `step` counts from 1. This is called often and should be fast."""

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Loss and accuracy since the epoch started; at most a few times a second."""

    def epoch_ended(self, epoch: Epoch) -> None:
        """An epoch is complete and evaluated."""

    def saved(self, path: Path, step: int) -> None:
        """A checkpoint has been written."""

    def ended(self, fitted: Fitted) -> None:
        """Training is complete."""


#: Steps between two points of a curve within an epoch.
_POINT_STEPS = 50


class TensorBoard(Watcher):
    """Writes the scalars of `metrics.jsonl`, and loss and learning rate within epochs.

    TensorBoard's own writer has a thread, which a full disk ends with a traceback and without a
    word to the training. Here each event is in the file when the call returns, or the call
    raises NAS006.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder
        self.rate = 0.0

    @classmethod
    def if_installed(cls, folder: Path) -> list["TensorBoard"]:
        """A list of one, or an empty list if TensorBoard is not installed."""
        return [cls(folder)] if find_spec("tensorboard") else []

    def started(self, plan: TrainingPlan) -> None:
        """Begin a file; points that were written after the checkpoint are hidden."""
        from tensorboard.compat.proto.event_pb2 import SessionLog

        # Files are read in the order of their names.
        self.path = self.folder / f"events.out.tfevents.{time.time_ns():020}"
        with write_errors(self.path):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._write(file_version="brain.Event:2")
        if plan.first_step:
            start = SessionLog(status=SessionLog.START)
            self._write(step=plan.first_step + 1, session_log=start)

    def stepped(self, step: int, learning_rate: float) -> None:
        """Remember the learning rate."""
        self.rate = learning_rate

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Add a point to the curves within an epoch."""
        if step % _POINT_STEPS == 0:
            self._add(step, {"train/running_loss": loss, "train/learning_rate": self.rate})

    def epoch_ended(self, epoch: Epoch) -> None:
        """Add a point to every curve."""
        scalars = {
            "train/loss": epoch.loss,
            "train/accuracy": epoch.accuracy,
            "train/drop_path_keep": epoch.keep,
            "train/images_per_second": epoch.images_per_second,
        }
        if epoch.held_out is not None:
            scalars["held_out/loss"] = epoch.held_out.loss
            scalars["held_out/accuracy"] = epoch.held_out.accuracy
        self._add(epoch.step, scalars)

    def _add(self, step: int, scalars: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(step=step, summary=Summary(value=values))

    def _write(self, **members: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        event = Event(wall_time=time.time(), **members)
        with write_errors(self.path), self.path.open("ab") as stream:
            RecordWriter(stream).write(event.SerializeToString())
