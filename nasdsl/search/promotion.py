"""Which networks go from one rung to the next: ASHA, and the brackets of Hyperband.

Algorithm 2 of Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (MLSys), and
Algorithm 1 of Li et al. 2018, "Hyperband" (JMLR 18).
"""

from bisect import insort
from math import ceil
from typing import Protocol

from nasdsl.search.history import History
from nasdsl.search.protocol import SearcherState


class Promotion(Protocol):
    """A rule of promotion.

    Attributes:
        first: the rung at which networks begin.
    """

    first: int

    @property
    def ready(self) -> int:
        """How many networks would be promoted, if nothing more came in."""
        ...

    def enter(self, rung: int, trial: int, reward: float, continues: int | None) -> None:
        """A trial has ended at a rung with a reward, the higher the better.

        It continues the trial `continues`, if it is not a new network.
        """
        ...

    def next(self) -> tuple[int, int] | None:
        """The rung and the trial that continues from there; it is promoted by that."""
        ...

    def parts(self, name: str) -> SearcherState:
        """What `load` continues from: parts of a state whose names begin with `name`."""
        ...

    def load(self, name: str, state: SearcherState) -> None:
        """Continue from there."""
        ...


class Asha:
    """Promotes whoever is in the best 1/reduction of its rung, the highest rung first.

    Args:
        rungs: how many there are.
        reduction: eta.
        first: s, the rung at which networks begin (the early stopping rate).
    """

    def __init__(self, rungs: int, reduction: int, first: int = 0) -> None:
        self.reduction, self.first = reduction, first
        self.rungs = [_Rung() for _ in range(rungs)]

    @property
    def ready(self) -> int:
        """How many networks are among the best of their rung and have not been promoted."""
        return sum(len(self._candidates(rung)) for rung in range(self.first, len(self.rungs) - 1))

    def enter(self, rung: int, trial: int, reward: float, continues: int | None) -> None:
        """Put a trial into its place in the rung."""
        self.rungs[rung].enter(reward, trial)

    def next(self) -> tuple[int, int] | None:
        """From the highest rung that has one, the best that can be promoted."""
        for rung in range(len(self.rungs) - 2, self.first - 1, -1):
            candidates = self._candidates(rung)
            if candidates:
                self.rungs[rung].promote(candidates[0])
                return rung, candidates[0]
        return None

    def parts(self, name: str) -> SearcherState:
        """The trials of each rung with their rewards, and which were promoted."""
        found: SearcherState = {}
        for number, rung in enumerate(self.rungs):
            found |= rung.parts(f"{name}/{number}")
        return found

    def load(self, name: str, state: SearcherState) -> None:
        """Take them over."""
        parts = dict(state)
        for number, (entered, promoted) in enumerate(state.get(name, [])):
            parts[f"{name}/{number}/entered"] = entered
            parts[f"{name}/{number}/promoted"] = promoted
        for number, rung in enumerate(self.rungs):
            rung.load(f"{name}/{number}", parts)

    def _candidates(self, rung: int) -> list[int]:
        return self.rungs[rung].candidates(self.reduction)


class _Rung:
    """What has ended at a rung, and what went on from there."""

    def __init__(self) -> None:
        #: Trials with their rewards as they came in, and those that were promoted, in order.
        self.entered: list[tuple[float, int]] = []
        self.promoted: list[int] = []
        #: The trials, best first, as (-reward, trial): of equals the earlier one.
        self.ranked: list[tuple[float, int]] = []
        self.gone: set[int] = set()
        self.histories = History(), History()

    def enter(self, reward: float, trial: int) -> None:
        """Put a trial into its place."""
        self.entered.append((reward, trial))
        insort(self.ranked, (-reward, trial))

    def promote(self, trial: int) -> None:
        """Let a trial continue."""
        self.promoted.append(trial)
        self.gone.add(trial)

    def candidates(self, reduction: int) -> list[int]:
        """The best 1/reduction, without those that went on."""
        best = self.ranked[: len(self.ranked) // reduction]
        return [trial for _, trial in best if trial not in self.gone]

    def parts(self, name: str) -> SearcherState:
        """Everything, as parts of a state."""
        entered, promoted = self.histories
        return {
            **entered.parts(f"{name}/entered", lambda start: self.entered[start:]),
            **promoted.parts(f"{name}/promoted", lambda start: self.promoted[start:]),
        }

    def load(self, name: str, state: SearcherState) -> None:
        """Take it over."""
        entered, promoted = self.histories
        for reward, trial in entered.load(f"{name}/entered", state):
            self.enter(reward, trial)
        for trial in promoted.load(f"{name}/promoted", state):
            self.promote(trial)


def hyperband_brackets(rungs: int, reduction: int) -> list[int]:
    """How many networks begin at each rung in one round of Hyperband, the first rung first.

    With s_max = rungs - 1, the bracket that has s more rungs above its first begins with
    ceil((s_max + 1) / (s + 1) * reduction^s) networks.
    """
    return [ceil(rungs * reduction**above / (above + 1)) for above in range(rungs - 1, -1, -1)]
