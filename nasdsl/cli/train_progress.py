"""How a training is shown while it runs: bars on a terminal, lines elsewhere.

Purpose: the two watchers, and which of them suits a stream.
Non-goals: files (`nasdsl.train.run_folder`); the result, which goes to standard output.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from nasdsl.cli import output
from nasdsl.errors import Diagnostic, plural
from nasdsl.train.results import Epoch, Fitted
from nasdsl.train.watchers import TrainingPlan, Watcher

if TYPE_CHECKING:
    from nasdsl.train.data import Splits

#: Within a long epoch a line is written this often where there is no terminal.
_LINE_SECONDS = 60
#: The rest is estimated after so many steps and so long.
_FIRST_STEPS, _FIRST_SECONDS = 5, 5


def watchers_for_terminal(quiet: bool) -> list[Watcher]:
    """Bars where standard error is a terminal, lines where not; only warnings if `quiet`."""
    return [view_for_terminal(quiet)]


def view_for_terminal(quiet: bool) -> "Warnings":
    """The same for trainings that have figures of their own."""
    if quiet:
        return Warnings()
    return Bars() if _moves() else TrainingLines()


def scan(splits: "Splits", quiet: bool) -> None:
    """Read every file of images once, and show how far that is.

    Raises:
        CellError: NAS824 for each file that is damaged.
    """
    from nasdsl.train.data import image_files, require_readable

    files = image_files(splits)
    if files:
        with _scan_progress(len(files), quiet) as on_file:
            require_readable(files, on_file)


@contextmanager
def _scan_progress(count: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    """What is called with the number of files that have been read."""
    what = f"reading {plural(count, 'image')} once, to find damaged ones"
    if quiet or not _moves():
        if not quiet:
            output.note(f"{what} (--no-scan skips this)")
        yield lambda number: None
        return
    console = Console(stderr=True, highlight=False)
    with Progress(console=console, transient=True, refresh_per_second=4) as progress:
        task = progress.add_task(what, total=count)
        yield lambda number: progress.update(task, completed=number)


def _moves() -> bool:
    """Whether standard error is a terminal on which bars can be drawn."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def close(watchers: Iterable[Watcher]) -> None:
    """Give the terminal back; may be done twice."""
    for watcher in watchers:
        if isinstance(watcher, Bars):
            watcher.close()


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """An epoch in a line."""
    width = len(str(epochs))
    held_out = f"  held out {epoch.held_out.accuracy:6.2%}" if epoch.held_out else ""
    keep = f"  path keep probability {epoch.keep:.3f}" if epoch.keep < 1 else ""
    return (
        f"epoch {epoch.epoch:>{width}}/{epochs}  loss {epoch.loss:.4f}  "
        f"accuracy {epoch.accuracy:6.2%}{held_out}  lr {epoch.learning_rate:.2e}{keep}  "
        f"{epoch.images_per_second:,.0f} images/s  {epoch.seconds:.1f} s"
    )


def network_line(plan: TrainingPlan) -> str:
    """What is about to be trained, in a line."""
    params, mult_adds = plural(plan.params, "parameter"), plural(plan.mult_adds, "mult-add")
    return f"{plan.network}: {params}, {mult_adds} per image"


def opening_line(plan: TrainingPlan) -> str:
    """What is about to be done, in a line."""
    shared = f" on {plan.processes} processes" if plan.processes > 1 else ""
    epochs, steps = plural(plan.epochs, "epoch"), plural(plan.steps_per_epoch, "step")
    images = plural(plan.batch, "image")
    after = f", continuing after step {plan.first_step}" if plan.first_step else ""
    in_all = f", {plan.epochs * plan.steps_per_epoch:,} in all" if plan.epochs > 1 else ""
    what = f"{epochs} of {steps}{in_all}, {images} each"
    return f"training on {plan.device}{shared}: {what}{after}"


def remaining_line(plan: TrainingPlan, step: int, seconds: float) -> str:
    """How long the rest will take, where the steps of this process so far took `seconds`."""
    left = plan.epochs * plan.steps_per_epoch - step
    rest = left * seconds / (step - plan.first_step)
    return f"about {output.clock(rest)} for the remaining {plural(left, 'step')}"


class Warnings(Watcher):
    """What goes wrong and does not end the training, to standard error."""

    def warned(self, finding: Diagnostic) -> None:
        """Say so at once: the training may take days."""
        output.warn([finding])

    def progressed(self, step: int, figures: str) -> None:
        """A step is complete, and this is what is known since the epoch began."""

    def finished(self, step: int, line: str) -> None:
        """An epoch is complete, and this is what it led to."""


class TrainingLines(Warnings):
    """A line an epoch, and one a minute within long epochs, to standard error."""

    def __init__(self) -> None:
        self.plan: TrainingPlan | None = None
        self.last = self.began = perf_counter()
        self.has_estimated = False

    def started(self, plan: TrainingPlan) -> None:
        """Say what is about to be done."""
        self.plan, self.began = plan, perf_counter()
        output.note(network_line(plan))
        output.note(opening_line(plan))

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Show the figures since the epoch began."""
        self.progressed(step, _figures(loss, accuracy))

    def progressed(self, step: int, figures: str) -> None:
        """Say how long it will take, once that is known, and where a long epoch is."""
        self._estimate(step)
        if self.plan is None or perf_counter() - self.last < _LINE_SECONDS:
            return
        self.last = perf_counter()
        total = self.plan.epochs * self.plan.steps_per_epoch
        output.note(f"step {step:,}/{total:,}  {figures}")

    def epoch_ended(self, epoch: Epoch) -> None:
        """Say how the epoch went."""
        assert self.plan is not None
        self.finished(epoch.step, epoch_line(epoch, self.plan.epochs))

    def finished(self, step: int, line: str) -> None:
        """Leave a line."""
        self.last = perf_counter()
        output.note(line)
        self._estimate(step)

    def _estimate(self, step: int) -> None:
        """Say once how long the rest takes: after some steps, unless all of it is short."""
        if self.has_estimated or self.plan is None or step - self.plan.first_step < _FIRST_STEPS:
            return
        seconds = perf_counter() - self.began
        if seconds >= _FIRST_SECONDS and step < self.plan.epochs * self.plan.steps_per_epoch:
            self.has_estimated = True
            output.note(remaining_line(self.plan, step, seconds))


class Bars(Warnings):
    """One bar for the whole training, below the lines of its epochs."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            refresh_per_second=4,
        )
        self.plan: TrainingPlan | None = None
        self.task: Any = None
        self.began, self.first, self.rate = perf_counter(), 0, 0.0

    def started(self, plan: TrainingPlan) -> None:
        """Draw the bar."""
        self.plan, self.first, self.began = plan, plan.first_step, perf_counter()
        self.console.print(Text(f"{network_line(plan)}\n{opening_line(plan)}", style="dim"))
        total = plan.epochs * plan.steps_per_epoch
        self.task = self.progress.add_task(
            "epoch 1", total=total, completed=plan.first_step, figures=""
        )
        self.progress.start()

    def stepped(self, step: int, learning_rate: float) -> None:
        """Move the bar."""
        assert self.plan is not None
        self.rate = learning_rate
        epoch = min((step - 1) // self.plan.steps_per_epoch + 1, self.plan.epochs)
        name = f"epoch {epoch}/{self.plan.epochs}"
        self.progress.update(self.task, completed=step, description=name)

    def measured(self, step: int, loss: float, accuracy: float) -> None:
        """Show the figures since the epoch began."""
        self.progressed(step, _figures(loss, accuracy))

    def progressed(self, step: int, figures: str) -> None:
        """Show them, the speed, and how long the rest will take."""
        assert self.plan is not None
        seconds = max(perf_counter() - self.began, 1e-9)
        speed = (step - self.first) / seconds
        left = (self.plan.epochs * self.plan.steps_per_epoch - step) / max(speed, 1e-9)
        self.progress.update(
            self.task,
            figures=f"{figures}  lr {self.rate:.2e}  "
            f"{speed * self.plan.batch:,.0f} images/s  {output.clock(left)} left",
        )

    def epoch_ended(self, epoch: Epoch) -> None:
        """Leave a line above the bar."""
        assert self.plan is not None
        self.finished(epoch.step, epoch_line(epoch, self.plan.epochs))

    def finished(self, step: int, line: str) -> None:
        """Leave it above the bar."""
        self.console.print(Text(line), soft_wrap=True)

    def saved(self, path: Path, step: int) -> None:
        """Nothing; each epoch saves."""

    def ended(self, fitted: Fitted) -> None:
        """Take the bar away."""
        self.close()

    def close(self) -> None:
        """Give the terminal back."""
        self.progress.stop()


def _figures(loss: float, accuracy: float) -> str:
    return f"loss {loss:.4f}  accuracy {accuracy:.2%}"
