"""What searchers share: decisions and texts, both ways, and draws without replacement."""

from collections import Counter
from math import prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.errors import CellError
from nasdsl.language.genotype.types import Space
from nasdsl.loading import load_space, loads, loads_space
from nasdsl.search.algorithms.random import shuffled
from nasdsl.search.decisions import open_decisions, rng_for_turn
from nasdsl.space import contains, count, neighbours
from nasdsl.strategies import spaces

SMALL = """
genotype small
ops nasnet
cell normal    { b0 = (?, h[i], {identity | conv_1x1 | conv_3x3}, identity, {add | concat}) }
cell reduction { b0 = (h[i], ?, identity, identity, add) }
"""


@given(space=spaces().filter(lambda space: not space.is_genotype), seed=st.integers(0, 99))
def test_choices_and_texts_are_one_to_one(space: Space, seed: int) -> None:
    """A draw becomes a text of the space, which reads back as the same choices."""
    decisions = open_decisions(space)
    taken = decisions.draw(Random(seed))
    text = decisions.text(taken)
    assert contains(space, loads(text))
    assert open_decisions(space).choices(text) == decisions.choices(text) == taken


def test_only_open_decisions_are_decided() -> None:
    """The product of the open decisions' sizes is the size of the space."""
    decisions = open_decisions(loads_space(SMALL))
    assert decisions.sizes == (2, 3, 2, 2)
    assert prod(decisions.sizes) == count(decisions.space)


def test_a_mutation_takes_one_decision_otherwise_each_way_as_often() -> None:
    """Decisions are equally likely, and so are the other options of each."""
    decisions, rng = open_decisions(loads_space(SMALL)), Random(0)
    start = (0, 1, 0, 1)
    made = Counter(decisions.mutate(start, rng) for _ in range(6000))
    assert set(made) == set(decisions.neighbours(start))
    # Four decisions: one in four each, and the one with three options goes two ways.
    expected = {each: 750 if each[1] != 1 else 1500 for each in made}
    assert all(abs(made[each] - expected[each]) < 150 for each in made)


def test_neighbours_are_those_of_the_space() -> None:
    """The same members, in the same order, as the algebra of spaces gives."""
    decisions = open_decisions(load_space("nasnet_space"))
    taken = decisions.draw(Random(1))
    ours = [decisions.member(each) for each in decisions.neighbours(taken)]
    assert ours == [*neighbours(decisions.space, decisions.member(taken))]


def test_a_genotype_cannot_be_searched() -> None:
    """Nothing open: NAS604, which names the space."""
    with pytest.raises(CellError) as caught:
        open_decisions(load_space("nasnet_a"))
    assert caught.value.diagnostics[0].code == "NAS604"
    assert "nasnet_a" in caught.value.diagnostics[0].message


def test_turns_have_random_numbers_of_their_own() -> None:
    """No two of a seed's turns, nor of two seeds' first turns, begin alike."""
    firsts = {rng_for_turn(seed, turn).random() for seed in range(30) for turn in range(30)}
    assert len(firsts) == 900
    assert rng_for_turn(3, 4).random() == rng_for_turn(3, 4).random()


@given(size=st.integers(1, 300), seed=st.integers(0, 5))
def test_a_shuffle_is_a_permutation(size: int, seed: int) -> None:
    """Every number below the size, once."""
    assert sorted(shuffled(at, size, seed) for at in range(size)) == [*range(size)]


def test_a_shuffle_of_any_size_has_no_favourites() -> None:
    """First numbers are spread evenly over the range, also of a size no memory holds."""
    size = 10**400
    tenths = Counter(shuffled(0, size, seed) * 10 // size for seed in range(2000))
    assert sorted(tenths) == [*range(10)]
    assert all(140 < found < 260 for found in tenths.values())
    with pytest.raises(IndexError):
        shuffled(size, size, 0)
