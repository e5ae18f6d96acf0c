"""The logger `trackio`: Hugging Face's Trackio, whose runs stay on this machine.

Its own variables decide the rest: `TRACKIO_DIR`, `TRACKIO_SPACE_ID`, ...
"""

from typing import Any

from nasdsl.train.loggers.logger import LoggedRun, Logger
from nasdsl.train.loggers.scalars import Scalars, ScalarWatcher
from nasdsl.train.watchers import TrainingPlan


class Trackio(ScalarWatcher):
    """A run of Trackio, which a resumed training continues."""

    def __init__(self, run: LoggedRun) -> None:
        self.about = run
        self.run: Any = None

    def started(self, plan: TrainingPlan) -> None:
        """Open the run. It is found again by its name, so that is made unique."""
        import trackio

        self.run = trackio.init(
            project="nasdsl",
            name=f"{self.about.name}-{self.about.id[:8]}",
            config=self.about.settings,
            resume="allow",
        )

    def log(self, step: int, scalars: Scalars) -> None:
        """Keep figures."""
        self.run.log(dict(scalars), step=step)

    def closed(self) -> None:
        """Write what is left; the package's own function also forgets that there is a run."""
        import trackio

        trackio.finish()


LOGGER = Logger("trackio", "Trackio", Trackio, needs=("trackio",))
