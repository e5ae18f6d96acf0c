"""Searchers: members of the space only, the same again after a state, and each its rule."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasdsl.canonical import canonical_hash
from nasdsl.loading import loads, loads_space
from nasdsl.search.decisions import open_decisions
from nasdsl.search.protocol import Result, Searcher
from nasdsl.search.searchers import names, searcher
from nasdsl.search.store.records import decode_state, encode_state
from nasdsl.space import contains, count_distinct

TEXT = """
genotype small
ops nasnet
cell normal    { b0 = (?, ?, {identity | conv_1x1 | conv_3x3}, {identity | conv_1x1}, add) }
cell reduction { b0 = (h[i], h[i], identity, {identity | conv_1x1 | conv_3x3}, {add | concat}) }
"""
SPACE = loads_space(TEXT)

#: Each algorithm with options that make its turns short.
SHORT: dict[str, dict[str, Any]] = {
    "random": {},
    "evolution": {"population": 6, "sample": 3},
    "local": {},
    "ppo": {"hidden": 8, "batch": 4},
    "optuna": {},
    "surrogate": {"initial": 4, "candidates": 12},
}


def _made(name: str, seed: int = 0, **options: Any) -> Searcher:
    pytest.importorskip(
        {"ppo": "torch", "optuna": "optuna", "surrogate": "scipy"}.get(name, "nasdsl")
    )
    return searcher(name, SPACE, seed, **{**SHORT[name], **options})


def _reward(text: str) -> float:
    return text.count("conv_3x3") + text.count("concat") / 2 + text.count("h[i-1]") / 4


def _result(text: str, reward: float | None) -> Result:
    failure = "failed" if reward is None else None
    return Result(text, canonical_hash(loads(text)), reward, failure)


def _fates(text: str, seed: int) -> float | None:
    """A reward for most; some texts fail, each time."""
    return None if Random(f"{seed} {text}").random() < 0.2 else _reward(text)


def _turns(search: Searcher, rng: Random, n: int, flying: list[str]) -> Iterator[list[str]]:
    """`n` turns of some proposals and some results, in the order that `rng` says."""
    for _ in range(n):
        made = search.propose(rng.randrange(1, 4))
        flying += made
        rng.shuffle(flying)
        landed = [flying.pop() for _ in range(rng.randrange(len(flying) + 1))]
        search.observe([_result(text, _fates(text, 7)) for text in landed])
        yield made


def test_every_algorithm_is_found_by_name() -> None:
    """Those of the package are installed, and tested below."""
    assert set(names()) >= set(SHORT)


@pytest.mark.parametrize("name", SHORT)
def test_proposals_are_members_whatever_is_observed(name: str) -> None:
    """Failures, late and reordered results, and no results at all."""
    search, flying = _made(name), list[str]()
    proposed = [text for made in _turns(search, Random(1), 25, flying) for text in made]
    assert len(proposed) > 5
    assert all(contains(SPACE, loads(text)) for text in proposed)


@pytest.mark.parametrize("name", SHORT)
def test_seeds_differ_and_one_seed_does_not(name: str) -> None:
    """The same seed and calls give the same proposals; another seed others."""

    def run(seed: int) -> list[list[str]]:
        return [*_turns(_made(name, seed), Random(2), 12, [])]

    assert run(3) == run(3)
    assert run(3) != run(4)


@pytest.mark.parametrize("name", SHORT)
@settings(max_examples=8, deadline=None)
@given(before=st.integers(0, 14), seed=st.integers(0, 3))
def test_a_loaded_searcher_goes_on_as_the_one_that_was_killed(
    name: str, before: int, seed: int
) -> None:
    """From any point, with proposals in flight, through the store's bytes and back."""
    whole, rng, flying = _made(name, seed), Random(seed), list[str]()
    for _ in _turns(whole, rng, before, flying):
        pass
    kept = {key: encode_state(value) for key, value in whole.state_dict().items()}
    again = _made(name, seed)
    again.load_state_dict({key: decode_state(value) for key, value in kept.items()})
    rest = Random(5)
    expected = [*_turns(whole, Random(5), 12, [*flying])]
    assert [*_turns(again, rest, 12, [*flying])] == expected
    assert again.state_dict() == whole.state_dict()


@pytest.mark.parametrize("name", ["random", "evolution", "ppo", "optuna"])
def test_asking_again_before_results_is_allowed(name: str) -> None:
    """A hundred workers want proposals before the first result is in."""
    texts = _made(name).propose(30)
    assert len(texts) == 30


# -- random ------------------------------------------------------------------------------


def test_random_draws_every_member_as_often() -> None:
    """A chi-squared statistic of 144 members, 143 degrees of freedom: 99.9 % are below 201."""
    texts = Counter(_made("random").propose(14_400))
    assert len(texts) == 144
    assert sum((seen - 100) ** 2 / 100 for seen in texts.values()) < 201


def test_random_without_repeats_proposes_every_form_once() -> None:
    """As many as there are canonical forms, in another order for each seed; then nothing."""
    forms = count_distinct(SPACE)
    orders = []
    for seed in (0, 1):
        search = _made("random", seed, repeats=False)
        hashes = [canonical_hash(loads(text)) for text in search.propose(1000)]
        assert len(hashes) == len(set(hashes)) == forms
        assert search.propose(1) == []
        orders.append(hashes)
    assert orders[0] != orders[1]


def test_random_without_repeats_goes_on() -> None:
    """What was proposed before the state was kept is not proposed after it."""
    search, again = (_made("random", 5, repeats=False) for _ in range(2))
    search.propose(17)
    again.load_state_dict(search.state_dict())
    rest = again.propose(1000)
    assert rest == search.propose(1000)
    assert len(rest) == count_distinct(SPACE) - 17


# -- evolution ---------------------------------------------------------------------------


def test_evolution_is_regularized() -> None:
    """The oldest dies: after P worse members, nothing is left of a better one."""
    search = _made("evolution")
    decisions = open_decisions(SPACE)
    best = decisions.text([max(0, size - 1) for size in decisions.sizes])
    search.observe([_result(best, 100.0)])
    texts = search.propose(6)
    search.observe([_result(text, 0.0) for text in texts])
    kept = search.state_dict()["population"]
    assert [reward for _, reward in kept] == [0.0] * 6


def test_evolution_mutates_the_fittest_of_a_sample() -> None:
    """With a sample that is sure to see all, every child is a neighbour of the best."""
    search = _made("evolution", sample=200)
    texts = search.propose(6)
    rewards = {text: float(at) for at, text in enumerate(texts)}
    search.observe([_result(text, rewards[text]) for text in texts])
    decisions = open_decisions(SPACE)
    best = decisions.choices(max(rewards, key=lambda text: rewards[text]))
    near = {decisions.text(each) for each in decisions.neighbours(best)}
    assert set(search.propose(40)) <= near


def test_failures_never_join_the_population() -> None:
    """Where all fail, evolution is random search."""
    search = _made("evolution")
    for _ in range(5):
        search.observe([_result(text, None) for text in search.propose(4)])
    assert search.state_dict()["population"] == []


# -- local search ------------------------------------------------------------------------


def _climbed(reward: Callable[[str], float | None], seed: int) -> tuple[list[str], Searcher]:
    """What local search proposes until it starts again, one proposal at a time."""
    search, proposed = _made("local", seed), list[str]()
    while search.state_dict()["climbs"] == 1:
        (text,) = search.propose(1)
        proposed.append(text)
        search.observe([_result(text, reward(text))])
    return proposed, search


@pytest.mark.parametrize("seed", range(5))
def test_local_search_climbs_to_a_summit(seed: int) -> None:
    """It starts again exactly where no neighbour is better, by the best step each time."""
    decisions = open_decisions(SPACE)

    def value(text: str) -> float:
        return Random(text).random()

    proposed, _ = _climbed(value, seed)
    at = proposed[0]
    expected = [at]
    while True:
        near = [decisions.text(each) for each in decisions.neighbours(decisions.choices(at))]
        expected += near
        best = max(near, key=value)
        if value(best) <= value(at):
            break
        at = best
    assert proposed == expected


def test_local_search_waits_for_the_last_neighbour() -> None:
    """While the step is open there is nothing to propose, and then there is."""
    search = _made("local")
    (start,) = search.propose(10)
    assert search.propose(10) == []
    search.observe([_result(start, 1.0)])
    near = search.propose(1000)
    assert search.propose(1) == []
    search.observe([_result(text, 0.0) for text in near])
    assert len(search.propose(10)) == 1
    assert search.state_dict()["climbs"] == 2


def test_local_search_starts_again_where_the_start_failed() -> None:
    """A failure has no neighbours worth looking at."""
    search = _made("local")
    (start,) = search.propose(1)
    search.observe([_result(start, None)])
    assert search.state_dict()["climbs"] == 2


# -- Optuna ------------------------------------------------------------------------------


def test_optuna_samplers_learn() -> None:
    """TPE's proposals earn more at the end than at the beginning."""
    search = _made("optuna")
    rewards = []
    for _ in range(100):
        (text,) = search.propose(1)
        rewards.append(_reward(text))
        search.observe([_result(text, rewards[-1])])
    assert sum(rewards[-20:]) > sum(rewards[:20]) + 5
