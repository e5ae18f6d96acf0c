"""The logger `wandb`: Weights & Biases.

Its own variables decide the rest: `WANDB_PROJECT`, `WANDB_MODE=offline`, `WANDB_API_KEY`, ...
"""

import os
from typing import Any

from nasdsl.train.loggers.logger import LoggedRun, Logger
from nasdsl.train.loggers.scalars import Scalars, ScalarWatcher
from nasdsl.train.results import Fitted
from nasdsl.train.watchers import TrainingPlan


class WeightsAndBiases(ScalarWatcher):
    """A run of Weights & Biases, which a resumed training continues."""

    def __init__(self, run: LoggedRun) -> None:
        self.about = run
        self.run: Any = None
        self.exit_code = 1

    def started(self, plan: TrainingPlan) -> None:
        """Open the run."""
        import wandb

        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "nasdsl"),
            name=self.about.name,
            id=self.about.id,
            resume="allow",
            dir=os.fspath(self.about.folder),
            config=self.about.settings,
        )
        # The axis of every curve; points that a resumed run repeats lie on those before.
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")

    def log(self, step: int, scalars: Scalars) -> None:
        """Send figures."""
        self.run.log({"step": step, **scalars})

    def ended(self, fitted: Fitted) -> None:
        """Send the result."""
        super().ended(fitted)
        self.exit_code = 0

    def closed(self) -> None:
        """Send what is left; a training that did not end is marked as failed."""
        self.run.finish(exit_code=self.exit_code)


LOGGER = Logger("wandb", "Weights & Biases", WeightsAndBiases, needs=("wandb",))
