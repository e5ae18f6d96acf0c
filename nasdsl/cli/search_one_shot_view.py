"""How a one-shot search is shown while it runs: a live view on a terminal, lines elsewhere."""

import os
import sys
from time import perf_counter
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from nasdsl.cli import output
from nasdsl.drawing.tree import space_tree
from nasdsl.errors import Diagnostic, plural
from nasdsl.loading import loads_space
from nasdsl.oneshot.training import OneShotSearch
from nasdsl.oneshot.watching import SearchEpoch, SearchWatcher

#: The rest is estimated after so many steps and so long.
_FIRST_STEPS, _FIRST_SECONDS = 5, 5
#: Lines are written this often within a long epoch.
_LINE_SECONDS = 60


def view_for(quiet: bool) -> "OneShotView":
    """A live view where standard error is a terminal, lines where not, warnings if `quiet`."""
    if quiet:
        return OneShotView()
    moves = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return OneShotLiveView() if moves else OneShotLines()


class OneShotView(SearchWatcher):
    """Shows warnings alone."""

    def warned(self, finding: Diagnostic) -> None:
        """Say so at once."""
        output.warn([finding])

    def close(self) -> None:
        """Nothing is open; may be called twice."""


class _OneShotPace(OneShotView):
    """How far a search is, and how long the rest takes."""

    def started(self, search: OneShotSearch) -> None:
        """Remember where it starts."""
        self.search, self.first, self.began = search, search.step, perf_counter()
        self.total = search.steps.epochs * search.steps.each

    def opening(self) -> list[str]:
        """What is about to be done, in lines."""
        search, plan = self.search, self.search.plan
        network = search.net.graph.configuration
        depth = f"layers = {network.layers}" if network.N is None else f"N = {network.N}"
        count = sum(parameter.numel() for parameter in search.net.parameters())
        held_out = plural(search.held_out.count, "image")
        after = f", continuing after step {self.first}" if self.first else ""
        return [
            f"{plan.method.name} on {plan.space.name}: a super-network of "
            f"{plural(count, 'parameter')}, {depth}, {network.cell_filters} filters in the first "
            f"cell, images of {network.image_size} pixels",
            f"{plural(search.steps.epochs, 'epoch')} of {plural(search.steps.each, 'step')}, "
            f"{plural(plan.options.batch, 'image')} each; the architecture is measured on "
            f"{held_out} held out{after}",
        ]

    def rest(self, step: int) -> str:
        """How long it will take; empty until that is known."""
        seconds, done = perf_counter() - self.began, step - self.first
        if done < _FIRST_STEPS or seconds < _FIRST_SECONDS or step >= self.total:
            return ""
        left = self.total - step
        return (
            f"about {output.clock(left * seconds / done)} for the remaining {plural(left, 'step')}"
        )


class OneShotLines(_OneShotPace):
    """Lines at the start, at the end of each epoch and, where an epoch is long, each minute.

    The genotype is drawn whenever it changes.
    """

    def started(self, search: OneShotSearch) -> None:
        """Say what is about to be done."""
        super().started(search)
        self.last, self.estimated, self.drawn = perf_counter(), False, ""
        for line in self.opening():
            output.note(line)

    def stepped(self, step: int, loss: float) -> None:
        """Say how long it will take, once."""
        if not self.estimated and (rest := self.rest(step)):
            self.estimated = True
            output.note(rest)
        if perf_counter() - self.last >= _LINE_SECONDS:
            self.last = perf_counter()
            output.note(f"step {step:,}/{self.total:,}  loss {loss:.4f}")

    def epoch_ended(self, epoch: SearchEpoch) -> None:
        """Say how the epoch went."""
        self.last = perf_counter()
        output.note(epoch_line(epoch, self.search.steps.epochs))
        if epoch.best.text != self.drawn:
            self.drawn = epoch.best.text
            console = Console(file=sys.stderr, highlight=False, no_color=True, width=78)
            console.print(_tree(self.drawn))


class OneShotLiveView(_OneShotPace):
    """The state of the search and the present genotype, redrawn in place."""

    def __init__(self) -> None:
        self.live: Live | None = None
        self.lines: list[str] = []
        self.tree: RenderableType = Text("")
        self.text, self.shown = "", 0.0

    def started(self, search: OneShotSearch) -> None:
        """Draw."""
        super().started(search)
        self.live = Live(Text(""), console=Console(stderr=True), refresh_per_second=4)
        self.live.start()
        if search.history:
            self._draw(search.history[-1])
        self._show(f"step {search.step:,}/{self.total:,}")

    def stepped(self, step: int, loss: float) -> None:
        """Move on."""
        if perf_counter() - self.shown > 0.25:
            self._show(f"step {step:,}/{self.total:,}  loss {loss:.4f}  {self.rest(step)}")

    def epoch_ended(self, epoch: SearchEpoch) -> None:
        """Redraw the genotype."""
        self._draw(epoch)
        self._show(f"step {epoch.step:,}/{self.total:,}  {self.rest(epoch.step)}")

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self.live is not None:
            self.live.stop()

    def _draw(self, epoch: SearchEpoch) -> None:
        self.lines = [*self.lines, epoch_line(epoch, self.search.steps.epochs)][-5:]
        if epoch.best.text != self.text:
            self.text, self.tree = epoch.best.text, _tree(epoch.best.text)

    def _show(self, line: str) -> None:
        assert self.live is not None
        self.shown = perf_counter()
        head = [Text(each, style="dim") for each in self.opening()]
        epochs = [Text(each) for each in self.lines]
        self.live.update(Group(*head, *epochs, Text(line, style="cyan"), self.tree))


def epoch_line(epoch: SearchEpoch, epochs: int) -> str:
    """An epoch in a line."""
    width = len(str(epochs))
    among = len(epoch.candidates)
    of = f", best of {among}" if among > 1 else ""
    return (
        f"epoch {epoch.epoch:>{width}}/{epochs}  loss {epoch.loss:.4f}  "
        f"inherited accuracy {epoch.best.accuracy:6.2%}{of}  "
        f"skips {epoch.skips} of {epoch.ops}  lr {epoch.learning_rate:.2e}  {epoch.seconds:.1f} s"
    )


def _tree(text: str) -> Any:
    return space_tree(loads_space(text))
