"""`Watcher`: is called at every stage of a training, and cannot change it.

Progress bars, the files of a run and TensorBoard are watchers; the last of them is here.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

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
    """

    epochs: int
    steps_per_epoch: int
    batch: int
    first_step: int
    history: tuple[Epoch, ...]
    device: str
    processes: int


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
    """Writes the scalars of `metrics.jsonl`, and loss and learning rate within epochs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer: Any = None
        self.rate = 0.0

    @classmethod
    def if_installed(cls, folder: Path) -> list["TensorBoard"]:
        """A list of one, or an empty list if TensorBoard is not installed."""
        return [cls(folder)] if find_spec("tensorboard") else []

    def started(self, plan: TrainingPlan) -> None:
        """Open a file; points that were written after the checkpoint are hidden."""
        from torch.utils.tensorboard import SummaryWriter

        purge = plan.first_step + 1 if plan.first_step else None
        self.writer = SummaryWriter(self.folder, purge_step=purge)

    def stepped(self, step: int, learning_rate: float) -> None:
        """Remember the learning rate."""
        self.rate = learning_rate

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Add a point to the curves within an epoch."""
        if step % _POINT_STEPS == 0:
            self.writer.add_scalar("train/running_loss", loss, step)
            self.writer.add_scalar("train/learning_rate", self.rate, step)

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
        for name, value in scalars.items():
            self.writer.add_scalar(name, value, epoch.step)
        self.writer.flush()

    def ended(self, fitted: Fitted) -> None:
        """Close the file."""
        self.writer.close()
