"""`DetectionEpoch`: what an epoch of a detector's training led to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectionEpoch:
    """One epoch.

    Attributes:
        epoch: from 1.
        step: steps taken at its end.
        loss: the sum of the four losses, mean over the epoch.
        losses: each, mean over the epoch.
        precision: on the images to evaluate, by the names of `AveragePrecision`; None where there
            are none.
        learning_rate: of its last step.
        seconds: of training.
    """

    epoch: int
    step: int
    loss: float
    losses: dict[str, float]
    precision: dict[str, float | None] | None
    learning_rate: float
    seconds: float

    def scalars(self) -> dict[str, float]:
        """Its figures under the names that loggers show."""
        losses = {f"train/{name}": value for name, value in self.losses.items()}
        measured = {
            f"val/{name}": value
            for name, value in (self.precision or {}).items()
            if value is not None
        }
        return {"train/loss": self.loss, **losses, **measured}
