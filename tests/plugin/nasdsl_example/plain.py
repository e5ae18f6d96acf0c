"""The logger `plain`: a line per figure, in the run's folder."""

from nasdsl.train.loggers import LoggedRun, Logger, Scalars, ScalarWatcher


class Plain(ScalarWatcher):
    """Writes `plain.txt`; a run that is resumed continues it."""

    def __init__(self, run: LoggedRun) -> None:
        self.path = run.folder / "plain.txt"

    def log(self, step: int, scalars: Scalars) -> None:
        """Add a line for each figure."""
        with self.path.open("a") as stream:
            stream.writelines(f"{step} {name} {value}\n" for name, value in scalars.items())


LOGGER = Logger("plain", "lines of text", Plain)
