"""The logger `mlflow`: a run of MLflow.

Its own variables decide the rest: `MLFLOW_TRACKING_URI`, `MLFLOW_EXPERIMENT_NAME`, ...
"""

import os
from typing import Any

from nasdsl.train.loggers.logger import LoggedRun, Logger
from nasdsl.train.loggers.scalars import Scalars, ScalarWatcher
from nasdsl.train.results import Fitted
from nasdsl.train.watchers import TrainingPlan

#: The tag by which a resumed training finds its run: MLflow draws the identifiers itself.
_TAG = "nasdsl.run"


class MLflow(ScalarWatcher):
    """A run of MLflow, which a resumed training continues."""

    def __init__(self, run: LoggedRun) -> None:
        self.about = run
        self.client: Any = None
        self.run_id = ""
        self.status = "KILLED"

    def started(self, plan: TrainingPlan) -> None:
        """Open the run. A client of its own leaves the active run of the process alone."""
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient()
        experiment = self._experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "nasdsl"))
        found = self.client.search_runs([experiment], f"tags.`{_TAG}` = '{self.about.id}'")
        if found:
            self.run_id = found[0].info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
            return
        tags = {_TAG: self.about.id}
        run = self.client.create_run(experiment, tags=tags, run_name=self.about.name)
        self.run_id = run.info.run_id
        for name, value in self.about.settings.items():
            self.client.log_param(self.run_id, name, value)

    def log(self, step: int, scalars: Scalars) -> None:
        """Send figures."""
        for name, value in scalars.items():
            self.client.log_metric(self.run_id, name, value, step=step)

    def ended(self, fitted: Fitted) -> None:
        """Send the result."""
        super().ended(fitted)
        self.status = "FINISHED"

    def closed(self) -> None:
        """Say how it ended."""
        self.client.set_terminated(self.run_id, self.status)

    def _experiment(self, name: str) -> str:
        found = self.client.get_experiment_by_name(name)
        return str(self.client.create_experiment(name) if found is None else found.experiment_id)


LOGGER = Logger("mlflow", "MLflow", MLflow, needs=("mlflow",))
