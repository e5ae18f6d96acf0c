"""`Watcher`: is called at every stage of a training, and cannot change it.

Progress bars, the files of a run and loggers are watchers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nasdsl.errors import Diagnostic
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

    def figures(self, step: int, scalars: Mapping[str, float]) -> None:
        """Figures by name, of a training that is not a classifier's and has no `Epoch`."""

    def saved(self, path: Path, step: int) -> None:
        """A checkpoint has been written."""

    def ended(self, fitted: Fitted) -> None:
        """Training is complete."""

    def warned(self, finding: Diagnostic) -> None:
        """Something went wrong that does not end the training."""

    def closed(self) -> None:
        """Training is over, however it ended. This is the last call."""
