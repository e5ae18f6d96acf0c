"""`ScalarWatcher`: turns what happens in a training into figures with names.

Purpose: every logger has the same curves under the same names.
Non-goals: where they go; each logger has a file.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from nasdsl.train.results import Epoch, Fitted
from nasdsl.train.watchers import Watcher

#: Figures by name: `train/loss`, `held_out/accuracy`, ...
Scalars = Mapping[str, float]

#: Steps between two points of a curve within an epoch.
POINT_STEPS = 50


class ScalarWatcher(Watcher, ABC):
    """Calls `log` with loss and learning rate within epochs, and with the figures of each epoch.

    Losses are in nats, accuracies between 0 and 1. A run that was killed and resumed repeats the
    points after its checkpoint, with the same values.
    """

    rate = 0.0

    @abstractmethod
    def log(self, step: int, scalars: Scalars) -> None:
        """Keep figures that were measured after a step, counted from 1."""

    def stepped(self, step: int, learning_rate: float) -> None:
        """Remember the learning rate."""
        self.rate = learning_rate

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Add a point to the curves within an epoch."""
        if step % POINT_STEPS == 0:
            self.log(step, {"train/running_loss": loss, "train/learning_rate": self.rate})

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
        self.log(epoch.step, scalars)

    def figures(self, step: int, scalars: Scalars) -> None:
        """Keep them as they are."""
        self.log(step, scalars)

    def ended(self, fitted: Fitted) -> None:
        """Add the result on the test images, where there are any."""
        if fitted.test is not None:
            found = {"test/loss": fitted.test.loss, "test/accuracy": fitted.test.accuracy}
            self.log(fitted.steps, found)
