"""Regularized evolution: the oldest member is removed, whatever its reward.

Algorithm 1 of Real et al. 2019, "Regularized Evolution for Image Classifier Architecture
Search": in a population of P, each new member is a mutation of the best of a sample of S, and
the oldest is removed. Like the paper, it has no recombination.
"""

from collections import deque
from collections.abc import Sequence

from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, open_decisions, rng_for_turn
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.search.searchers import Count


class Evolution:
    """Proposes P random members, then mutations of the fittest of samples.

    A mutation changes one open decision; the paper's identity mutation is left out, because it
    only proposes what is known already. A member that failed never joins the population.

    Args:
        space: what to search.
        seed: of all draws.
        population: P, the paper's 100.
        sample: S, the paper's 25, drawn with replacement as in its Algorithm 1.
    """

    def __init__(
        self, space: Space, seed: int, *, population: Count = 100, sample: Count = 25
    ) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.size, self.sample = population, sample
        self.proposed = 0
        self.population: deque[tuple[Choices, float]] = deque(maxlen=population)

    def propose(self, n: int) -> list[str]:
        """`n` proposals, which are random until something has been observed."""
        return [self.decisions.text(self._next()) for _ in range(n)]

    def observe(self, results: Sequence[Result]) -> None:
        """Add the newest to the population, and remove the oldest."""
        for result in results:
            if result.reward is not None:
                self.population.append((self.decisions.choices(result.text), result.reward))

    def state_dict(self) -> SearcherState:
        """The population, oldest first, and the number of proposals."""
        population = [[list(choices), reward] for choices, reward in self.population]
        return {"proposed": self.proposed, "population": population}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue with that population."""
        self.proposed = state["proposed"]
        self.population.clear()
        self.population.extend((tuple(choices), reward) for choices, reward in state["population"])

    def _next(self) -> Choices:
        rng = rng_for_turn(self.seed, self.proposed)
        self.proposed += 1
        if self.proposed <= self.size or not self.population:
            return self.decisions.draw(rng)
        sample = [rng.choice(self.population) for _ in range(self.sample)]
        parent, _ = max(sample, key=lambda member: member[1])
        return self.decisions.mutate(parent, rng)
