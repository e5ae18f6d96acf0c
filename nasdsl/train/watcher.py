"""`Watcher`: what wants to know how a training goes.

Purpose: the moments a training tells about; progress on a terminal and the files of a run
are watchers.
Non-goals: changing the training; nothing a watcher does has an effect on it.
"""

from pathlib import Path
from typing import NamedTuple

from nasdsl.train.results import Epoch, Fitted


class Plan(NamedTuple):
    """What is about to be done.

    Attributes:
        epochs: in all.
        steps_per_epoch: optimizer steps.
        batch: images a step, over all processes.
        first_step: where it starts; more than 0 when resumed.
        history: the epochs before that.
        device: where, in PyTorch's words.
        processes: how many share a batch.
    """

    epochs: int
    steps_per_epoch: int
    batch: int
    first_step: int
    history: tuple[Epoch, ...]
    device: str
    processes: int


class Watcher:
    """Does nothing; subclasses override the moments they care for.

    With several processes only the first has watchers.
    """

    def started(self, plan: Plan) -> None:
        """Training is about to take its first step."""

    def stepped(self, step: int, learning_rate: float) -> None:
        """A step is done; `step` counts from 1. Called often: be quick."""

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Loss and accuracy since the epoch began; a few times a second at most."""

    def epoch_ended(self, epoch: Epoch) -> None:
        """An epoch is done and evaluated."""

    def saved(self, path: Path, step: int) -> None:
        """A checkpoint is on the disk."""

    def ended(self, fitted: Fitted) -> None:
        """Training is over."""
