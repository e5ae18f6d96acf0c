"""Local search: look at every neighbour, go to the best, start again at a summit.

Purpose: best-improvement hill climbing over the members one decision away, from random
starts (White et al. 2021, "Local Search is State of the Art for Neural Architecture Search
Benchmarks").
Non-goals: going downhill.
"""

from collections.abc import Sequence

from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, generator, open_decisions
from nasdsl.search.protocol import Result, State


class LocalSearch:
    """Climbs from a random member to a member no neighbour of which is better.

    A step is taken when all neighbours have been observed; until then, when all have been
    proposed, there is nothing to propose. A member that failed is worse than any other.

    Args:
        space: what to search.
        seed: of the starts.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.climbs = self.given = self.landed = 0
        self.at: Choices | None = None
        self.best_at: Choices | None = None
        self.best = float("-inf")
        self.step: list[Choices] = []
        self._start()

    def propose(self, n: int) -> list[str]:
        """The next `n` neighbours; fewer where the rest of them are in flight."""
        found = self.step[self.given : self.given + n]
        self.given += len(found)
        return [self.decisions.text(taken) for taken in found]

    def observe(self, results: Sequence[Result]) -> None:
        """Remember the best, and take the step when the last neighbour is in."""
        for result in results:
            self.landed += 1
            reward = float("-inf") if result.reward is None else result.reward
            if reward > self.best:
                self.best, self.best_at = reward, self.decisions.choices(result.text)
            if self.landed == len(self.step):
                self._go_on()

    def state_dict(self) -> State:
        """Where the climb stands."""
        return {
            "climbs": self.climbs,
            "at": self.at and list(self.at),
            "best_at": self.best_at and list(self.best_at),
            "best": None if self.best == float("-inf") else self.best,
            "given": self.given,
            "landed": self.landed,
        }

    def load_state_dict(self, state: State) -> None:
        """Go on with that climb."""
        self.climbs = state["climbs"]
        self.at = state["at"] and tuple(state["at"])
        self.best_at = state["best_at"] and tuple(state["best_at"])
        self.best = float("-inf") if state["best"] is None else state["best"]
        self._look_around()
        self.given, self.landed = state["given"], state["landed"]

    def _start(self) -> None:
        """Begin at a random member, of which nothing is known yet."""
        self.at = self.best_at = None
        self.best = float("-inf")
        self.climbs += 1
        self._look_around()

    def _go_on(self) -> None:
        """Go to the best; where that is here, or all have failed, start again."""
        if self.best_at is None or self.best_at == self.at:
            self._start()
            return
        self.at = self.best_at
        self._look_around()

    def _look_around(self) -> None:
        """Lay out the next step: the neighbours of where the climb is, or its start."""
        self.given = self.landed = 0
        if self.at is None:
            self.step = [self.decisions.drawn(generator(self.seed, self.climbs))]
        else:
            self.step = list(self.decisions.neighbours(self.at))
