"""`Logger`: somewhere the figures of a run are sent, found through entry points.

Purpose: one interface, a watcher for each run, and no logger that can end a training. A package
offers one by an entry point of the group `nasdsl.loggers`; ours have a file each.
Non-goals: which figures there are (`nasdsl.train.loggers.scalars`).
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasdsl.errors import CellError, Diagnostic
from nasdsl.registry import Registry, require_packages
from nasdsl.train.results import Epoch, Fitted
from nasdsl.train.watchers import TrainingPlan, Watcher


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """What a logger knows of a run.

    Attributes:
        folder: of the run.
        name: that people know it by: the folder's, and that around it for one of several seeds.
        id: 32 hexadecimal digits, drawn when the run began and the same whenever it is resumed:
            what belongs together is found by it.
        settings: all that decides what is computed and how it runs, by name: `data`, `seed`,
            `recipe.lr`, `network.N`, `execution.device`, ...
    """

    folder: Path
    name: str
    id: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Logger:
    """Somewhere the figures of a run are sent.

    Attributes:
        name: the entry point's name.
        help: what it is, in a few words.
        watcher: from a run to what is called at every stage of its training. It is called just
            before the first step, also when a run is resumed.
        needs: packages that have to be importable.
        extra: the extra of nasdsl that brings them; empty where pip is asked for them directly.
    """

    name: str
    help: str
    watcher: Callable[[LoggedRun], Watcher]
    needs: tuple[str, ...] = ()
    extra: str = ""


#: The installed loggers.
LOGGERS: Registry[Logger] = Registry(
    kind="logger",
    group="nasdsl.loggers",
    type=Logger,
    unknown="NAS850",
    extra="train",
    requirement="a logger is a `nasdsl.train.loggers.Logger`",
)


def find(name: str) -> Logger:
    """The logger of that name.

    Raises:
        CellError: NAS701 where a package it needs is not installed; NAS850 where there is none
            of that name, or two, or something else.
    """
    found = LOGGERS.find(name)
    require_packages(f"logger `{name}` needs", found.needs, found.extra)
    return found


def require_usable(names: Iterable[str]) -> None:
    """Refuse loggers that there are not, before anything is begun. Raises as `find` does."""
    for name in names:
        find(name)


def watchers_of(
    names: Sequence[str], run: LoggedRun, on_failure: Callable[[Diagnostic], None]
) -> list[Watcher]:
    """A watcher for each logger; none of them ever raises.

    Args:
        names: of loggers.
        run: what they are told of.
        on_failure: is called at most once for each, with NAS851, where one fails; the others and
            the training continue.
    """
    return [_Guarded(name, run, on_failure) for name in names]


class _Guarded(Watcher):
    """A logger that is called until it raises, and then no more."""

    def __init__(self, name: str, run: LoggedRun, on_failure: Callable[[Diagnostic], None]) -> None:
        self.name, self.run, self.on_failure = name, run, on_failure
        self.watcher: Watcher | None = None

    def started(self, plan: TrainingPlan) -> None:
        self._try(lambda: self._open(plan))

    def stepped(self, step: int, learning_rate: float) -> None:
        self._call("stepped", step, learning_rate)

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        self._call("measured", step, loss, accuracy)

    def epoch_ended(self, epoch: Epoch) -> None:
        self._call("epoch_ended", epoch)

    def figures(self, step: int, scalars: Mapping[str, float]) -> None:
        self._call("figures", step, scalars)

    def saved(self, path: Path, step: int) -> None:
        self._call("saved", path, step)

    def ended(self, fitted: Fitted) -> None:
        self._call("ended", fitted)

    def closed(self) -> None:
        self._call("closed")
        self.watcher = None

    def _open(self, plan: TrainingPlan) -> None:
        self.watcher = find(self.name).watcher(self.run)
        self.watcher.started(plan)

    def _call(self, moment: str, *what: Any) -> None:
        watcher = self.watcher
        if watcher is not None:
            self._try(lambda: getattr(watcher, moment)(*what))

    def _try(self, call: Callable[[], None]) -> None:
        try:
            # Standard output is for results, and some services greet there.
            with redirect_stdout(sys.stderr):
                call()
        except Exception as error:
            # Whatever a service or somebody else's code may raise: the training is worth more.
            self.watcher = None
            self.on_failure(_failure(self.name, error))


def _failure(name: str, error: Exception) -> Diagnostic:
    if isinstance(error, CellError):
        found = error.diagnostics[0]
        return Diagnostic(
            "NAS851", f"logger `{name}` has failed: {found.message}", hints=found.hints
        )
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    kind = type(error).__name__
    return Diagnostic(
        "NAS851",
        f"logger `{name}` has failed: {f'{kind}: {reason}' if reason else kind}",
        hints=("the training continues without it; the run's files have every figure",),
    )
