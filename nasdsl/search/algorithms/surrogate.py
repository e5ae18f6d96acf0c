"""Bayesian optimisation: a Gaussian process over the paths of a cell says what to try next.

The references are BANANAS (White et al. 2021: paths, and candidates that are mutations of the
best) and NAS-BOWL (Ru et al. 2021: a Gaussian process over the graph). Each proposal is the
candidate with the largest expected improvement.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import prod
from random import Random
from typing import TypeVar

import numpy
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import ndtr, ndtri
from threadpoolctl import threadpool_limits

from nasdsl.canonical.function import FunctionForm
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.search.algorithms.path_features import CellFunction, path_features
from nasdsl.search.algorithms.random import shuffled
from nasdsl.search.decisions import Choices, Decisions, open_decisions, rng_for_turn
from nasdsl.search.history import History
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.search.searchers import Count
from nasdsl.space.members import mixed_radix_digits

Matrix = NDArray[numpy.float64]
_Key = TypeVar("_Key")
_Known = TypeVar("_Known")

#: What the process is chosen among, by its likelihood: the length over which rewards are alike, in
#: units of the features, and the share of the rewards' variance that is noise.
_LENGTHS, _NOISES = (0.25, 0.5, 1.0, 2.0), (0.01, 0.1, 0.3)
#: The results that decide, and those that the process is fitted to at most: half of them the best.
_DECIDE, _MOST = 200, 1000
#: The best results of which every neighbour is a candidate, and how many neighbours of these.
_PARENTS, _FURTHER = 10, 60
#: Genotypes that are kept: those of one proposal.
_MAX_MEMBERS = 1000
#: Draws after which a space counts as nearly exhausted.
_DRAWS = 1000


class Surrogate:
    """Proposes random members, then those of which a model of the results expects most.

    A member that computes the same as one that was proposed is proposed only when nothing else is
    left. What failed counts as the worst result; what is in flight counts as an average one, so
    that proposals of one moment differ.

    Args:
        space: what to search.
        seed: of all draws.
        initial: random members before the first use of the model.
        candidates: members among which each proposal is chosen.
    """

    def __init__(
        self, space: Space, seed: int, *, initial: Count = 20, candidates: Count = 200
    ) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.initial, self.candidates = initial, candidates
        self.size = prod(self.decisions.sizes)
        self.memory = Memory(self.decisions)
        self.results: list[tuple[Choices, float | None]] = []
        self.history = History()
        self.in_flight: list[Choices] = []
        self.proposed: set[Choices] = set()
        self.known: set[str] = set()
        self.scanned = 0

    def propose(self, n: int) -> list[str]:
        """`n` proposals, each made with those before it in flight; fewer where none are left."""
        found: list[str] = []
        while len(found) < n:
            chosen = self._next()
            if chosen is None:
                break
            self.in_flight.append(chosen)
            self.proposed.add(chosen)
            self.known.add(self.memory.function(chosen))
            found.append(self.decisions.text(chosen))
        return found

    def observe(self, results: Sequence[Result]) -> None:
        """Learn the rewards."""
        for result in results:
            choices = self.decisions.choices(result.text)
            self.in_flight.remove(choices)
            self.results.append((choices, result.reward))

    def learn(self, results: Sequence[Result]) -> None:
        """Learn of members that others proposed, and propose them no more."""
        for result in results:
            choices = self.decisions.choices(result.text)
            self.proposed.add(choices)
            self.known.add(self.memory.function(choices))
            self.results.append((choices, result.reward))

    def state_dict(self) -> SearcherState:
        """Every result and every proposal in flight."""
        return {
            **self.history.parts("results", lambda start: self.results[start:]),
            "in_flight": [list(choices) for choices in self.in_flight],
            "scanned": self.scanned,
        }

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue after those results."""
        self.results = [
            (tuple(choices), reward) for choices, reward in self.history.load("results", state)
        ]
        self.in_flight = [tuple(choices) for choices in state["in_flight"]]
        self.proposed = {choices for choices, _ in self.results}.union(self.in_flight)
        self.known = {self.memory.function(choices) for choices in self.proposed}
        self.scanned = state["scanned"]

    # -- what to propose ------------------------------------------------------------------

    def _next(self) -> Choices | None:
        turn = len(self.results) + len(self.in_flight)
        rng = rng_for_turn(self.seed, turn)
        rewards = [reward for _, reward in self.results if reward is not None]
        if turn < self.initial or len(set(rewards)) < 2:
            return next(self._new(self._draws(rng)), None) or self._left()
        found = self._candidates(rng)
        if not found:
            return self._left()
        with threadpool_limits(1):
            # Sums have one order, so that a search does not depend on the number of cores.
            return found[int(self._expected_improvement(found).argmax())]

    def _draws(self, rng: Random) -> Iterator[Choices]:
        return (self.decisions.draw(rng) for _ in range(_DRAWS))

    def _new(self, members: Iterator[Choices]) -> Iterator[Choices]:
        """Those that compute what nothing proposed computes, one for each function."""
        found = set[str]()
        for member in members:
            function = self.memory.function(member)
            if function not in self.known and function not in found:
                found.add(function)
                yield member

    def _candidates(self, rng: Random) -> list[Choices]:
        """Neighbours of the best results, neighbours of those, and random members."""
        best = sorted(
            (result for result in self.results if result[1] is not None),
            key=lambda result: -(result[1] or 0.0),
        )
        parents = [choices for choices, _ in best[:_PARENTS]]
        near = [each for parent in parents for each in self.decisions.neighbours(parent)]
        if len(near) > self.candidates // 2:
            near = rng.sample(near, self.candidates // 2)
        further = [self.decisions.mutate(rng.choice(near), rng) for _ in range(_FURTHER)]
        members = self._new(chain(near, further, self._draws(rng)))
        return [*islice(members, self.candidates)]

    def _left(self) -> Choices | None:
        """A member that was not proposed yet, of those that are numbered; None where none is."""
        while self.scanned < self.size:
            index = shuffled(self.scanned, self.size, self.seed)
            member = tuple(mixed_radix_digits(index, self.decisions.sizes))
            if member not in self.proposed:
                return member
            self.scanned += 1
        return None

    # -- the model ------------------------------------------------------------------------

    def _expected_improvement(self, candidates: Sequence[Choices]) -> Matrix:
        """By how much each candidate is expected to exceed the best, (len(candidates),)."""
        results = self._fitted_results()
        scores = _normal_scores([reward for _, reward in results])
        targets = numpy.concatenate([scores, numpy.zeros(len(self.in_flight))])
        members = [choices for choices, _ in results] + self.in_flight
        known, asked = self._matrix(members), self._matrix(candidates)
        squares = _squared_distances(known, known)
        length, noise = _likeliest(squares[:_DECIDE, :_DECIDE], targets[:_DECIDE])
        factor = cho_factor(_alike(squares, length, noise), lower=True)
        near = _alike(_squared_distances(known, asked), length)
        mean = near.T @ cho_solve(factor, targets)
        explained = solve_triangular(factor[0], near, lower=True)
        deviation = numpy.sqrt(numpy.maximum(1 - (explained**2).sum(0), 1e-12))
        gain = (mean - scores.max()) / deviation
        density = numpy.exp(-(gain**2) / 2) / numpy.sqrt(2 * numpy.pi)
        return numpy.asarray(deviation * (gain * ndtr(gain) + density))

    def _fitted_results(self) -> list[tuple[Choices, float]]:
        """The results that the process sees, oldest first: half the best, half the newest."""
        worst = min(reward for _, reward in self.results if reward is not None)
        results = [(each, worst if reward is None else reward) for each, reward in self.results]
        if len(results) <= _MOST:
            return results
        older = sorted(range(len(results) - _MOST // 2), key=lambda at: -results[at][1])
        return [*(results[at] for at in sorted(older[: _MOST // 2])), *results[-_MOST // 2 :]]

    def _matrix(self, members: Sequence[Choices]) -> Matrix:
        return numpy.stack([self.memory.features(member) for member in members])


class Memory:
    """What was worked out about members. Nothing depends on what it has forgotten.

    Args:
        decisions: of the space.
        most: how many members are remembered.
    """

    def __init__(self, decisions: Decisions, most: int = 10_000) -> None:
        self.decisions, self.most = decisions, most
        self.form = FunctionForm(decisions.space.vocabulary)
        self._members: dict[Choices, Genotype] = {}
        self._functions: dict[Choices, str] = {}
        self._features: dict[Choices, Matrix] = {}
        self._cells: dict[CellFunction, Matrix] = {}

    def function(self, choices: Choices) -> str:
        """The hash of what the member computes."""
        found = self._functions.get(choices)
        if found is None:
            found = self.form.hash(self._member(choices))
            self._room(self._functions)[choices] = found
        return found

    def features(self, choices: Choices) -> Matrix:
        """The member's features."""
        found = self._features.get(choices)
        if found is None:
            found = path_features(self._member(choices), self.form, self._room(self._cells))
            self._room(self._features)[choices] = found
        return found

    def _member(self, choices: Choices) -> Genotype:
        """The genotype: its features are asked for soon after its function."""
        found = self._members.get(choices)
        if found is None:
            if len(self._members) >= _MAX_MEMBERS:
                self._members.clear()
            found = self._members[choices] = self.decisions.member(choices)
        return found

    def _room(self, known: dict[_Key, _Known]) -> dict[_Key, _Known]:
        """The dictionary, emptied where it is full."""
        if len(known) >= self.most:
            known.clear()
        return known


def _normal_scores(rewards: Sequence[float]) -> Matrix:
    """The rewards by rank, as the normal distribution would have them; equal ones stay equal.

    Accuracies have a long tail below and hardly differ at the top, where it matters.
    """
    _, inverse, counts = numpy.unique(rewards, return_inverse=True, return_counts=True)
    ranks = numpy.cumsum(counts) - counts / 2
    return numpy.asarray(ndtri(ranks / len(rewards)))[inverse]


def _squared_distances(one: Matrix, other: Matrix) -> Matrix:
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return numpy.asarray(numpy.maximum(squares, 0.0))


def _alike(squares: Matrix, length: float, noise: float = 0.0) -> Matrix:
    """How alike rewards are at those distances; noise is each result's own."""
    alike = numpy.exp(-squares / (2 * length**2))
    return alike + noise * numpy.eye(len(alike)) if noise else alike


def _likeliest(squares: Matrix, targets: Matrix) -> tuple[float, float]:
    """The length and the noise under which the targets are likeliest."""

    def likelihood(length: float, noise: float) -> float:
        factor = cho_factor(_alike(squares, length, noise), lower=True)
        fit = targets @ cho_solve(factor, targets) / 2
        return float(-fit - numpy.log(numpy.diag(factor[0])).sum())

    pairs = [(length, noise) for length in _LENGTHS for noise in _NOISES]
    return max(pairs, key=lambda pair: likelihood(*pair))
