"""Regularized evolution: the oldest dies, whatever it was worth.

Purpose: Algorithm 1 of Real et al. 2019, "Regularized Evolution for Image Classifier
Architecture Search": a population of P, each new member a mutation of the best of a sample
of S, and the oldest removed.
Non-goals: recombination, which the paper does not use either.
"""

from collections import deque
from collections.abc import Sequence

from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, generator, open_decisions
from nasdsl.search.options import Count
from nasdsl.search.protocol import Result, State


class Evolution:
    """Proposes P random members, then mutations of the fittest of samples.

    A mutation takes one open decision otherwise; the paper's identity mutation is left out,
    because it only proposes again what is known. A member that failed never joins the
    population.

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
        """`n` proposals; where nothing has been observed yet, random ones."""
        return [self.decisions.text(self._next()) for _ in range(n)]

    def observe(self, results: Sequence[Result]) -> None:
        """Let the newest join the population, and the oldest leave it."""
        for result in results:
            if result.reward is not None:
                self.population.append((self.decisions.choices(result.text), result.reward))

    def state_dict(self) -> State:
        """The population, oldest first, and how much has been proposed."""
        population = [[list(taken), reward] for taken, reward in self.population]
        return {"proposed": self.proposed, "population": population}

    def load_state_dict(self, state: State) -> None:
        """Go on with that population."""
        self.proposed = state["proposed"]
        self.population.clear()
        self.population.extend((tuple(taken), reward) for taken, reward in state["population"])

    def _next(self) -> Choices:
        rng = generator(self.seed, self.proposed)
        self.proposed += 1
        if self.proposed <= self.size or not self.population:
            return self.decisions.drawn(rng)
        sample = [rng.choice(self.population) for _ in range(self.sample)]
        parent, _ = max(sample, key=lambda member: member[1])
        return self.decisions.mutated(parent, rng)
