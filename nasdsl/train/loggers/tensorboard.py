"""The logger `tensorboard`: event files in the run's folder `tensorboard/`."""

import time
from pathlib import Path
from typing import Any

from nasdsl.atomic_write import write_errors
from nasdsl.train.loggers.logger import LoggedRun, Logger
from nasdsl.train.loggers.scalars import Scalars, ScalarWatcher
from nasdsl.train.run_folder import TENSORBOARD
from nasdsl.train.watchers import TrainingPlan


class TensorBoard(ScalarWatcher):
    """Writes the scalars of `metrics.jsonl`, and loss and learning rate within epochs.

    TensorBoard's own writer has a thread, which a full disk ends with a traceback and without a
    word to the training. Here each event is in the file when the call returns, or the call
    raises NAS006.
    """

    def __init__(self, run: LoggedRun) -> None:
        self.folder = run.folder / TENSORBOARD
        self.path: Path = self.folder

    def started(self, plan: TrainingPlan) -> None:
        """Begin a file; points that were written after the checkpoint are hidden."""
        from tensorboard.compat.proto.event_pb2 import SessionLog

        # Files are read in the order of their names.
        self.path = self.folder / f"events.out.tfevents.{time.time_ns():020}"
        with write_errors(self.path):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._write(file_version="brain.Event:2")
        if plan.first_step:
            start = SessionLog(status=SessionLog.START)
            self._write(step=plan.first_step + 1, session_log=start)

    def log(self, step: int, scalars: Scalars) -> None:
        """Add an event."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(step=step, summary=Summary(value=values))

    def _write(self, **members: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        event = Event(wall_time=time.time(), **members)
        with write_errors(self.path), self.path.open("ab") as stream:
            RecordWriter(stream).write(event.SerializeToString())


LOGGER = Logger("tensorboard", "TensorBoard", TensorBoard, needs=("tensorboard",), extra="train")
