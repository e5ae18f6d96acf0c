"""The results of training and evaluation, as `fit` and `evaluate` return them."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nasdsl.errors import Diagnostic, plural


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Loss and accuracy of a network on images it is not trained on.

    Attributes:
        loss: cross-entropy in nats, without label smoothing, mean over the images.
        accuracy: share of images whose highest logit is their class, 0 to 1.
        accuracy_top5: share whose class is among the five highest, 0 to 1.
        images: number of images.
        seconds: duration of the evaluation.
    """

    loss: float
    accuracy: float
    accuracy_top5: float
    images: int
    seconds: float

    @classmethod
    def from_members(cls, members: dict[str, Any]) -> "Evaluation":
        """What `dataclasses.asdict` was given.

        Raises:
            TypeError: a member is missing, or is no number.
        """
        return cls(**_numbers(members))


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of training.

    Attributes:
        epoch: from 1.
        step: steps taken at its end, from the beginning of training.
        loss: what was minimised, mean over the epoch: label smoothing and the auxiliary
            classifier's share included, weight decay not.
        accuracy: share of right answers while training, 0 to 1.
        held_out: on the images held out, at the epoch's end.
        learning_rate: of its last step.
        keep: probability that ScheduledDropPath kept a path of the last cell at its end.
        seconds: of training, evaluation not included.
        images_per_second: trained on, over all processes.
    """

    epoch: int
    step: int
    loss: float
    accuracy: float
    held_out: Evaluation | None
    learning_rate: float
    keep: float
    seconds: float
    images_per_second: float

    def as_members(self) -> dict[str, Any]:
        """Plain values, for JSON and checkpoints."""
        return asdict(self)

    @classmethod
    def from_members(cls, members: dict[str, Any]) -> "Epoch":
        """The inverse of `as_members`.

        Raises:
            TypeError: a member is missing, or is no number.
        """
        held_out = members["held_out"]
        evaluation = None if held_out is None else Evaluation.from_members(held_out)
        others = {name: value for name, value in members.items() if name != "held_out"}
        return cls(**_numbers(others), held_out=evaluation)


def _numbers(members: dict[str, Any]) -> dict[str, Any]:
    for name, value in members.items():
        if type(value) not in (int, float):
            raise TypeError(f"{name} is a {type(value).__name__}")
    return members


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which classes are taken for which.

    Attributes:
        names: of the classes, in order; empty where they have none.
        counts: images by their class (rows) and by the class with the highest logit (columns).
    """

    names: tuple[str, ...]
    counts: list[list[int]]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names, or numbers from 0."""
        return self.names or tuple(map(str, range(len(self.counts))))

    @property
    def accuracies(self) -> list[float | None]:
        """The share of right answers for each class; None where it has no image."""
        return [
            row[index] / sum(row) if sum(row) else None for index, row in enumerate(self.counts)
        ]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A finished training.

    Attributes:
        held_out: on the images held out, with the final weights; None where none are held out.
        test: on the test images; None where there are none, or it was not requested.
        history: the epochs in order.
        steps: optimizer steps.
        seconds: of training and evaluation, including those before the run was resumed.
        findings: warnings about what was written in the end.
        confusion: of the test images, or of those held out where there are none to test; None
            where no test was requested.
    """

    held_out: Evaluation | None
    test: Evaluation | None
    history: tuple[Epoch, ...]
    steps: int
    seconds: float
    findings: tuple[Diagnostic, ...] = ()
    confusion: Confusion | None = None


class Mean(NamedTuple):
    """The mean of a measure over seeds.

    Attributes:
        mean: of the values.
        deviation: their standard deviation, of a sample; 0 where there is one value.
        seeds: how many there are.
    """

    mean: float
    deviation: float
    seeds: int

    def __str__(self) -> str:
        deviation = f"{100 * self.deviation:.2f}"
        return f"{self.mean:.2%} ± {deviation} over {plural(self.seeds, 'seed')}"


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of at least one value, and how far they lie from it."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return Mean(statistics.mean(values), deviation, len(values))


class Interrupted(KeyboardInterrupt):
    """Training was stopped on request; it can continue from `checkpoint`."""

    def __init__(self, checkpoint: Path | None, step: int) -> None:
        super().__init__(f"interrupted after step {step}")
        self.checkpoint, self.step = checkpoint, step
