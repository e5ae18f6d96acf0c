"""The loggers of a run in a folder: those it names, and TensorBoard."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nasdsl.errors import Diagnostic
from nasdsl.train.loggers.logger import LoggedRun, watchers_of
from nasdsl.train.run_folder import RunFolder, has_seeds
from nasdsl.train.watchers import Watcher


def run_loggers(
    folder: RunFolder,
    named: Sequence[str],
    settings: dict[str, Any],
    tensorboard: bool,
    on_failure: Callable[[Diagnostic], None],
) -> list[Watcher]:
    """A watcher for each; none of them ever raises.

    Args:
        folder: of the run.
        named: the loggers that the run names.
        settings: what they are told of it, see `LoggedRun`.
        tensorboard: whether to write scalars for TensorBoard, if it is installed.
        on_failure: see `watchers_of`.
    """
    path = Path(folder.path.absolute())
    name = f"{path.parent.name}/{path.name}" if has_seeds(path.parent) else path.name
    run = LoggedRun(path, name, folder.log_id() if named else "", settings)
    names = [each for each in named if each != "tensorboard"]
    if tensorboard and ("tensorboard" in named or find_spec("tensorboard") is not None):
        names.insert(0, "tensorboard")
    return watchers_of(names, run, on_failure)
