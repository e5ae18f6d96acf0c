"""Local search: evaluate every neighbour, move to the best, restart at a local optimum.

Best-improvement hill climbing over the members one decision away, from random starts (White et
al. 2021, "Local Search is State of the Art for Neural Architecture Search Benchmarks").
"""

from collections.abc import Sequence

from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, open_decisions, rng_for_turn
from nasdsl.search.protocol import Result, SearcherState


class LocalSearch:
    """Climbs from a random member to one that no neighbour improves on, and starts again.

    A step is taken when all neighbours have been observed; between the last proposal and the
    last result there is nothing to propose. A member that failed is worse than any other.

    Args:
        space: what to search.
        seed: of the starts.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.climbs = self.proposed = self.observed = 0
        self.at: Choices | None = None
        self.best_at: Choices | None = None
        self.best = float("-inf")
        self.step: list[Choices] = []
        self._start()

    def propose(self, n: int) -> list[str]:
        """The next `n` neighbours; fewer where the rest of them are in flight."""
        found = self.step[self.proposed : self.proposed + n]
        self.proposed += len(found)
        return [self.decisions.text(taken) for taken in found]

    def observe(self, results: Sequence[Result]) -> None:
        """Remember the best, and take the step when the last neighbour has been observed."""
        for result in results:
            self.observed += 1
            reward = float("-inf") if result.reward is None else result.reward
            if reward > self.best:
                self.best, self.best_at = reward, self.decisions.choices(result.text)
            if self.observed == len(self.step):
                self._take_step()

    def state_dict(self) -> SearcherState:
        """Where the climb is."""
        return {
            "climbs": self.climbs,
            "at": self.at and list(self.at),
            "best_at": self.best_at and list(self.best_at),
            "best": None if self.best == float("-inf") else self.best,
            "given": self.proposed,
            "landed": self.observed,
        }

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue that climb."""
        self.climbs = state["climbs"]
        self.at = state["at"] and tuple(state["at"])
        self.best_at = state["best_at"] and tuple(state["best_at"])
        self.best = float("-inf") if state["best"] is None else state["best"]
        self._list_neighbours()
        self.proposed, self.observed = state["given"], state["landed"]

    def _start(self) -> None:
        """Start at a random member, of which nothing is known yet."""
        self.at = self.best_at = None
        self.best = float("-inf")
        self.climbs += 1
        self._list_neighbours()

    def _take_step(self) -> None:
        """Move to the best; if that is where the climb is, or all have failed, start again."""
        if self.best_at is None or self.best_at == self.at:
            self._start()
            return
        self.at = self.best_at
        self._list_neighbours()

    def _list_neighbours(self) -> None:
        """List what the next step has to evaluate: the neighbours, or at the start one member."""
        self.proposed = self.observed = 0
        if self.at is None:
            self.step = [self.decisions.draw(rng_for_turn(self.seed, self.climbs))]
        else:
            self.step = list(self.decisions.neighbours(self.at))
