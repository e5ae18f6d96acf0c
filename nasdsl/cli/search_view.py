"""How a search is shown while it runs: a live view on a terminal, lines elsewhere.

Purpose: the two views, and which of them suits a stream.
Non-goals: the result, which goes to standard output (`nasdsl.cli.search_output`).
"""

import os
import sys
from time import monotonic
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nasdsl.cli import output
from nasdsl.drawing.tree import space_tree
from nasdsl.errors import plural
from nasdsl.loading import loads_space
from nasdsl.report.visible import visible
from nasdsl.search.loop import Event
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Trial

#: Where there is no terminal, a line is written when the best changes and this often.
_LINE_SECONDS = 30
_BARS = " .:-=+*#%@"
_CURVE = 60
#: Running evaluations that are shown.
_MAX_RUNNING = 8


class View(Protocol):
    """What is told of a search's events."""

    def tell(self, event: Event) -> None:
        """Something has been committed."""

    def close(self) -> None:
        """The search has ended, in whatever way; may be called twice."""


def view_for(settings: SearchSettings, quiet: bool) -> View:
    """A live view where standard error is a terminal, lines where not, nothing if `quiet`."""
    if quiet:
        return Nothing()
    moves = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return LiveView(settings) if moves else SearchLines(settings)


class EventView:
    """The view of a search that is planned elsewhere: shown from when the plan is known."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.view: View = Nothing()

    def open(self, settings: SearchSettings) -> None:
        """Show what is about to be done."""
        self.view = view_for(settings, self.quiet)

    def tell(self, event: Event) -> None:
        """Pass it on."""
        self.view.tell(event)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self.view.close()


class Nothing:
    """Shows nothing."""

    def tell(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Pace:
    """How fast a search goes: settled trials and the time they took, of this run alone."""

    def __init__(self, settings: SearchSettings) -> None:
        self.settings, self.start, self.before = settings, monotonic(), -1
        #: What running evaluations have reported: the last value, and how many there were.
        self.reports: dict[int, tuple[float, int]] = {}

    def note(self, event: Event) -> None:
        """Remember what evaluations have reported, until they end."""
        for trial, value in event.values.items():
            self.reports[trial] = value, self.reports.get(trial, (0.0, 0))[1] + 1
        for row in event.trials:
            self.reports.pop(row.id, None)

    def running(self) -> list[str]:
        """A line for each running evaluation that has reported something."""
        return [
            f"trial {trial}  {value:.4f} after {plural(number, 'report')}"
            for trial, (value, number) in sorted(self.reports.items())[:_MAX_RUNNING]
        ]

    def line(self, event: Event) -> str:
        """Counts, the best and how long it will take, in a line."""
        counts = event.counts
        most, trained = self.settings.trials, self.settings.trained
        # Promotions come in addition to the networks that are proposed.
        done = counts.completed + counts.failed - counts.promoted
        if trained is not None:
            most, done = trained, counts.unique
        if self.before < 0:
            self.before = done
        new_ones = counts.completed - counts.promoted
        share = counts.unique / new_ones if new_ones else 0
        parts = [
            f"{done}/{most} {'done' if trained is None else 'trained'}",
            f"{counts.running} running",
            f"{counts.failed} failed",
            f"{share:.0%} unique",
        ]
        if counts.promoted:
            parts.append(f"{counts.promoted} promoted")
        if counts.rejected:
            parts.append(f"{counts.rejected} rejected")
        if event.best is not None and event.best.reward is not None:
            parts.append(f"best {event.best.reward:.4f}")
        parts.append(plural(event.workers, "worker"))
        started = done - self.before
        if started > 0 and done < most:
            each = (monotonic() - self.start) / started
            parts.append(
                f"{output.clock(each * (most - done))} left of {output.clock(each * most)}"
            )
        return "  ".join(parts)


class SearchLines:
    """A line when the best changes, when a trial fails, and every half minute."""

    def __init__(self, settings: SearchSettings) -> None:
        self.pace, self.last, self.best = Pace(settings), 0.0, -1

    def tell(self, event: Event) -> None:
        """Write what is worth a line."""
        self.pace.note(event)
        for trial in event.trials:
            if trial.reason and trial.state in ("failed", "quarantined"):
                _write(f"trial {trial.id} {trial.state}: {trial.reason:.200}")
        best = event.best.id if event.best else -1
        due = monotonic() - self.last > _LINE_SECONDS
        line = self.pace.line(event)
        if due or best != self.best or event.what in ("started", "finished"):
            self.last, self.best = monotonic(), best
            _write(line)
            for running in self.pace.running():
                _write(f"  {running}")

    def close(self) -> None:
        """Nothing is open."""


def _write(line: str) -> None:
    output.note(line)


class LiveView:
    """Counts, the curve of rewards, the best cell as a tree; redrawn in place."""

    def __init__(self, settings: SearchSettings) -> None:
        self.settings, self.pace = settings, Pace(settings)
        self.rewards: list[float] = []
        self.failures: list[str] = []
        self.drawn: tuple[int, RenderableType] = (-1, Text(""))
        self.live = Live(
            Text("starting workers ..."),
            console=Console(stderr=True),
            refresh_per_second=4,
            transient=False,
        )
        self.live.start()

    def tell(self, event: Event) -> None:
        """Redraw."""
        self.pace.note(event)
        for trial in event.trials:
            if trial.reward is not None:
                self.rewards.append(trial.reward)
            elif trial.reason:
                self.failures.append(f"trial {trial.id}: {visible(trial.reason[:100])}")
        self.live.update(self._drawing(event))

    def close(self) -> None:
        """Leave the last state on the screen."""
        self.live.stop()

    def _drawing(self, event: Event) -> RenderableType:
        head = Table.grid(padding=(0, 1))
        space, algorithm = self.settings.space.name, self.settings.algorithm
        head.add_row(
            Text(visible(f"{algorithm} on {space}"), style="bold"), Text(self.pace.line(event))
        )
        parts: list[RenderableType] = [head]
        if self.rewards:
            low, high = min(self.rewards), max(self.rewards)
            parts.append(
                Text(f"rewards from {low:.4f} to {high:.4f}, the first result to the last", "cyan")
            )
            parts.append(Text(f"  {curve(self.rewards)} at the end", style="cyan"))
        parts += [Text(f"  {line}") for line in self.pace.running()]
        if self.failures:
            parts.append(Text(self.failures[-1], style="red"))
        if event.best is not None:
            parts.append(self._best(event.best))
        return Group(*parts)

    def _best(self, trial: Trial) -> RenderableType:
        if self.drawn[0] != trial.id:
            self.drawn = (trial.id, space_tree(loads_space(trial.text)))
        return self.drawn[1]


def curve(rewards: list[float]) -> str:
    """The rewards in order, as a line of characters: means of equal parts, low to high."""
    size = max(1, -(-len(rewards) // _CURVE))
    parts = [rewards[at : at + size] for at in range(0, len(rewards), size)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((mean - low) * scale)] for mean in means) + f"  {means[-1]:.4f}"
