"""Which networks go from one rung to the next: ASHA, and the brackets of Hyperband.

Algorithm 2 of Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (MLSys), and
Algorithm 1 of Li et al. 2018, "Hyperband" (JMLR 18).
"""

from bisect import insort
from math import ceil
from typing import Any, Protocol


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

    def state(self) -> Any:
        """What `load` continues from, as plain data."""
        ...

    def load(self, state: Any) -> None:
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
        #: Of each rung the trials, best first, as (-reward, trial): of equals the earlier one.
        self.rungs: list[list[tuple[float, int]]] = [[] for _ in range(rungs)]
        self.promoted: list[set[int]] = [set() for _ in range(rungs)]

    @property
    def ready(self) -> int:
        """How many networks are among the best of their rung and have not been promoted."""
        return sum(len(self._candidates(rung)) for rung in range(self.first, len(self.rungs) - 1))

    def enter(self, rung: int, trial: int, reward: float, continues: int | None) -> None:
        """Put a trial into its place in the rung."""
        insort(self.rungs[rung], (-reward, trial))

    def next(self) -> tuple[int, int] | None:
        """From the highest rung that has one, the best that can be promoted."""
        for rung in range(len(self.rungs) - 2, self.first - 1, -1):
            candidates = self._candidates(rung)
            if candidates:
                self.promoted[rung].add(candidates[0])
                return rung, candidates[0]
        return None

    def state(self) -> Any:
        """The trials of each rung with their rewards, and which were promoted."""
        return [
            [[[-loss, trial] for loss, trial in rung], sorted(promoted)]
            for rung, promoted in zip(self.rungs, self.promoted, strict=True)
        ]

    def load(self, state: Any) -> None:
        """Take them over."""
        self.rungs = [[(-reward, trial) for reward, trial in rung] for rung, _ in state]
        self.promoted = [set(promoted) for _, promoted in state]

    def _candidates(self, rung: int) -> list[int]:
        best = self.rungs[rung][: len(self.rungs[rung]) // self.reduction]
        return [trial for _, trial in best if trial not in self.promoted[rung]]


def hyperband_brackets(rungs: int, reduction: int) -> list[int]:
    """How many networks begin at each rung in one round of Hyperband, the first rung first.

    With s_max = rungs - 1, the bracket that has s more rungs above its first begins with
    ceil((s_max + 1) / (s + 1) * reduction^s) networks.
    """
    return [ceil(rungs * reduction**above / (above + 1)) for above in range(rungs - 1, -1, -1)]
