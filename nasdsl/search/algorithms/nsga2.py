"""NSGA-II: the members of a population breed, and the fronts of all of them survive.

Deb, Pratap, Agarwal and Meyarivan 2002, "A Fast and Elitist Multiobjective Genetic Algorithm:
NSGA-II": parents win binary tournaments by their front, then by how few others are near; children
are crossed and mutated; parents and children compete for the next population.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, open_decisions, rng_for_turn
from nasdsl.search.pareto import Gains, crowding, fronts
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.search.searchers import Count, Fraction

#: Attempts to make a child that is neither a parent nor a child already.
_TRIES = 20


class NSGA2:
    """Proposes P random members, then children of the survivors.

    A generation ends when P children have been observed; those in flight belong to the next. A
    member that failed never joins the population. With one objective, the best survive.

    Args:
        space: what to search.
        seed: of all draws.
        population: P, how many survive.
        crossover: the share of children with two parents, of which each decision comes from either.
        objectives: how many there are.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        *,
        population: Count = 50,
        crossover: Fraction = 0.9,
        objectives: int = 1,
    ) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.size, self.crossover, self.several = population, crossover, objectives > 1
        self.proposed = 0
        #: Members with their values, the parents in the order in which they survived.
        self.parents: list[tuple[Choices, Gains]] = []
        self.children: list[tuple[Choices, Gains]] = []
        self._rank()

    def propose(self, n: int) -> list[str]:
        """`n` proposals, which are random until a population has been observed."""
        return [self.decisions.text(self._next()) for _ in range(n)]

    def observe(self, results: Sequence[Result]) -> None:
        """Add children; a full generation competes with its parents."""
        for result in results:
            if result.reward is None:
                continue
            point = result.gains if self.several else (result.reward,)
            child = self.decisions.choices(result.text)
            if all(child != known for known, _ in (*self.parents, *self.children)):
                self.children.append((child, point))
            if len(self.children) >= self.size:
                self._survive()

    def learn(self, results: Sequence[Result]) -> None:
        """Take in members that others proposed."""
        self.observe(results)

    def state_dict(self) -> SearcherState:
        """Parents and children, and the number of proposals."""
        return {
            "proposed": self.proposed,
            "parents": [[list(choices), list(point)] for choices, point in self.parents],
            "children": [[list(choices), list(point)] for choices, point in self.children],
        }

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue with that population."""
        self.proposed = state["proposed"]
        self.parents, self.children = (_members(state[name]) for name in ("parents", "children"))
        self._rank()

    def _next(self) -> Choices:
        rng = rng_for_turn(self.seed, self.proposed)
        self.proposed += 1
        if self.proposed <= self.size or not self.parents:
            return self.decisions.draw(rng)
        known = {choices for choices, _ in (*self.parents, *self.children)}
        child = self._child(rng)
        for _ in range(_TRIES):
            if child not in known:
                break
            child = self._child(rng)
        return child

    def _child(self, rng: Random) -> Choices:
        one, other = self._winner(rng), self._winner(rng)
        if rng.random() < self.crossover:
            one = tuple(rng.choice(pair) for pair in zip(one, other, strict=True))
        # Each decision with a chance of one in their number, and one at least.
        mutated = self.decisions.mutate(one, rng)
        for _ in range(len(one) - 1):
            if rng.random() < 1 / len(one):
                mutated = self.decisions.mutate(mutated, rng)
        return mutated

    def _winner(self, rng: Random) -> Choices:
        one, other = (rng.randrange(len(self.parents)) for _ in range(2))
        return self.parents[min(one, other, key=self.ranks.__getitem__)][0]

    def _survive(self) -> None:
        """The first fronts survive, and of one that is cut the least crowded."""
        everyone = [*self.parents, *self.children]
        ranks = _ranks([point for _, point in everyone])
        order = sorted(range(len(everyone)), key=ranks.__getitem__)
        self.parents = [everyone[at] for at in order[: self.size]]
        self.children = []
        self._rank()

    def _rank(self) -> None:
        self.ranks = _ranks([point for _, point in self.parents])


def _ranks(points: Sequence[Gains]) -> list[tuple[int, float]]:
    """The front of each point, and how crowded it is there; less is better in both."""
    found: list[tuple[int, float]] = [(0, 0.0)] * len(points)
    for number, places in enumerate(fronts(points)):
        for at, distance in zip(places, crowding([points[at] for at in places]), strict=True):
            found[at] = number, -distance
    return found


def _members(rows: Sequence[Any]) -> list[tuple[Choices, Gains]]:
    return [(tuple(choices), tuple(point)) for choices, point in rows]
