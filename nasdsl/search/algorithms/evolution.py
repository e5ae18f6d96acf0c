"""Regularized evolution: the oldest member is removed, whatever its reward.

Algorithm 1 of Real et al. 2019, "Regularized Evolution for Image Classifier Architecture
Search": in a population of P, each new member is a mutation of the best of a sample of S, and
the oldest is removed. Like the paper, it has no recombination.
"""

from collections import deque
from collections.abc import Sequence

from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, open_decisions, rng_for_turn
from nasdsl.search.pareto import Gains, crowding, front
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
        objectives: how many there are. With several, the parent is on the front of its sample,
            and there one with few others near it.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        *,
        population: Count = 100,
        sample: Count = 25,
        objectives: int = 1,
    ) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.size, self.sample = population, sample
        self.proposed = 0
        self.several = objectives > 1
        self.population: deque[tuple[Choices, Gains]] = deque(maxlen=population)
        #: Of what was proposed last; no part of the state.
        self.parents: dict[str, Choices] = {}

    def propose(self, n: int) -> list[str]:
        """`n` proposals, which are random until something has been observed."""
        self.parents.clear()
        return [self._next_text() for _ in range(n)]

    def parent_of(self, text: str) -> str | None:
        """The member of the population that a proposal of the last call was mutated from."""
        found = self.parents.get(text)
        return None if found is None else self.decisions.text(found)

    def _next_text(self) -> str:
        parent, choices = self._next()
        text = self.decisions.text(choices)
        if parent is not None:
            self.parents.setdefault(text, parent)
        return text

    def observe(self, results: Sequence[Result]) -> None:
        """Add the newest to the population, and remove the oldest."""
        for result in results:
            if result.reward is not None:
                point = result.gains if self.several else (result.reward,)
                self.population.append((self.decisions.choices(result.text), point))

    def learn(self, results: Sequence[Result]) -> None:
        """Take in members that others proposed."""
        self.observe(results)

    def state_dict(self) -> SearcherState:
        """The population, oldest first, and the number of proposals."""
        population = [
            [list(choices), list(point) if self.several else point[0]]
            for choices, point in self.population
        ]
        return {"proposed": self.proposed, "population": population}

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue with that population."""
        self.proposed = state["proposed"]
        self.population.clear()
        self.population.extend(
            (tuple(choices), tuple(point) if self.several else (point,))
            for choices, point in state["population"]
        )

    def _next(self) -> tuple[Choices | None, Choices]:
        """The parent, unless it is a random draw, and the proposal."""
        rng = rng_for_turn(self.seed, self.proposed)
        self.proposed += 1
        if self.proposed <= self.size or not self.population:
            return None, self.decisions.draw(rng)
        sample = [rng.choice(self.population) for _ in range(self.sample)]
        parent = self._parent(sample)
        return parent, self.decisions.mutate(parent, rng)

    def _parent(self, sample: Sequence[tuple[Choices, Gains]]) -> Choices:
        """The best of a sample, the first of equals."""
        if not self.several:
            return max(sample, key=lambda member: member[1])[0]
        # One that was drawn twice is not its own neighbour.
        members = list(dict.fromkeys(sample))
        best = [members[at] for at in sorted(front([point for _, point in members]))]
        distances = crowding([point for _, point in best])
        return best[distances.index(max(distances))][0]
