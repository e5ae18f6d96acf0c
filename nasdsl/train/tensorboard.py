"""The scalars of a training for TensorBoard.

Purpose: what `metrics.jsonl` holds, and the learning rate and loss within epochs.
Non-goals: images, histograms, profiles.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nasdsl.train.results import Epoch, Fitted
from nasdsl.train.watcher import Plan, Watcher

#: Steps between two points of a curve within an epoch.
_EVERY = 50


class TensorBoard(Watcher):
    """Writes event files to a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer: Any = None
        self.rate = 0.0

    @classmethod
    def where_installed(cls, folder: Path) -> list["TensorBoard"]:
        """One, or none where TensorBoard is not installed."""
        return [cls(folder)] if find_spec("tensorboard") else []

    def started(self, plan: Plan) -> None:
        """Open a file; what a run wrote after the checkpoint it goes on from is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        purge = plan.first_step + 1 if plan.first_step else None
        self.writer = SummaryWriter(self.folder, purge_step=purge)

    def stepped(self, step: int, learning_rate: float) -> None:
        """Remember the rate."""
        self.rate = learning_rate

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """A point of the curves within an epoch."""
        if step % _EVERY == 0:
            self.writer.add_scalar("train/running_loss", loss, step)
            self.writer.add_scalar("train/learning_rate", self.rate, step)

    def epoch_ended(self, epoch: Epoch) -> None:
        """A point of every curve."""
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
