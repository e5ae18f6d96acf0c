"""The space algebra: counting, numbering, drawing, membership and steps."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from math import prod
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.canonical import canonical_form
from nasdsl.errors import CellError
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.loading import load, load_space, loads, loads_space
from nasdsl.space import (
    choices,
    contains,
    count,
    count_distinct,
    decisions,
    enumerate_genotypes,
    genotype_at,
    genotype_from_choices,
    index_of,
    mutate,
    neighbours,
    sample,
)
from nasdsl.strategies import genotypes, spaces
from tests.hash_seeds import printed_under_hash_seeds

PAPER_SIZE = 5229943396058757337940161399357440000

SMALL = """
genotype small
ops nasnet

cell normal {
    b0 = (?, h[i], {identity | conv_1x1}, identity, {add | concat})
    b1 = (?, ?, identity, identity, add)
}
"""


def small() -> Space:
    """A space of 2 * 2 * 2 * 3 * 3 = 72 genotypes."""
    return loads_space(SMALL)


#: Spaces and one of their members.
MEMBERS = spaces().flatmap(lambda space: st.tuples(st.just(space), genotypes(space)))


def codes(error: pytest.ExceptionInfo[CellError]) -> list[str]:
    """The codes of an error's findings."""
    return [found.code for found in error.value.diagnostics]


# -- counting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "inputs"), [("nasnet_b_space", 4), ("nasnet_c_space", 2)])
def test_the_spaces_of_nasnet_b_and_c(name: str, inputs: int) -> None:
    """Four blocks, thirteen ops, four combines; a cell of the first has four states in and out."""
    space = load_space(name)
    of_block = [(inputs + earlier) ** 2 * 13**2 * 4 for earlier in range(4)]
    assert count(space) == prod(of_block) ** 2
    states = {"nasnet_b_space": 4, "nasnet_c_space": 1}[name]
    for genotype in sample(space, 5, seed=0):
        for cell in genotype.cells:
            assert len(cell.blocks) == 4
            assert (len(cell.output.states) if cell.output.kind == "each" else 1) == states


def test_size_of_the_paper_space() -> None:
    """Thirteen ops, two combines, five blocks, two cells; and by hand."""
    size = count(load_space("nasnet_space"))
    assert size == PAPER_SIZE
    assert size == prod((2 + block) ** 2 * 13**2 * 2 for block in range(5)) ** 2


def test_a_genotype_is_a_space_of_one() -> None:
    """Nothing open, one way to take it, itself."""
    space = load_space("nasnet_a")
    assert count(space) == 1
    assert count_distinct(space) == 1
    assert list(enumerate_genotypes(space)) == [load("nasnet_a")]


@given(spaces(max_blocks=2, max_options=2))
def test_count_is_the_number_of_different_members(space: Space) -> None:
    """Every way of deciding gives another genotype."""
    assume(count(space) <= 500)
    members = list(enumerate_genotypes(space))
    assert len(members) == len(set(members)) == count(space)


@given(spaces(max_blocks=2, max_options=2))
def test_count_distinct_is_the_number_of_forms(space: Space) -> None:
    """The product over cells is what comparing whole genotypes gives."""
    assume(count(space) <= 200)
    assert count_distinct(space) == len(set(map(canonical_form, enumerate_genotypes(space))))


def test_count_distinct_by_hand() -> None:
    """One block of two inputs and two ops: 16 ways, 4 operands, 4 * 5 / 2 pairs."""
    space = loads_space(
        "ops nasnet cell normal { b = (?, ?, {identity | conv_1x1}, {identity | conv_1x1}, add) }"
    )
    assert count(space) == 16
    assert count_distinct(space) == 10


def test_count_distinct_refuses_what_is_too_large() -> None:
    """The limit is on cells to enumerate, not on their product."""
    with pytest.raises(CellError) as raised:
        count_distinct(load_space("nasnet_space"))
    assert codes(raised) == ["NAS601"]
    assert count_distinct(small(), limit=72) < 72
    with pytest.raises(CellError):
        count_distinct(small(), limit=71)


# -- numbering ----------------------------------------------------------------------------------


def test_the_last_decision_changes_fastest() -> None:
    """Member 0 takes the first option everywhere; the order is that of the mixed_radix_digits."""
    space = small()
    members = list(enumerate_genotypes(space))
    assert members[0] == genotype_from_choices(space, [0] * 10)
    assert choices(space, members[1]) == (0, 0, 0, 0, 0, 0, 1, 0, 0, 0)
    assert [choices(space, each) for each in members] == sorted(
        choices(space, each) for each in members
    )


@given(MEMBERS)
def test_a_member_has_an_index_and_an_index_a_member(pair: tuple[Space, Genotype]) -> None:
    """`genotype_at` and `index_of`, `genotype_from_choices` and `choices` undo one another."""
    space, genotype = pair
    assert genotype_at(space, index_of(space, genotype)) == genotype
    assert genotype_from_choices(space, choices(space, genotype)) == genotype


def test_index_of_enumerates() -> None:
    """Member k of the enumeration has index k."""
    space = small()
    assert [index_of(space, each) for each in enumerate_genotypes(space)] == list(range(72))


def test_enumeration_is_lazy() -> None:
    """The first members of a space of 5 * 10^36 come at once."""
    space = load_space("nasnet_space")
    first = list(islice(enumerate_genotypes(space), 3))
    assert first == [genotype_at(space, index) for index in range(3)]


@pytest.mark.parametrize("index", [-1, 72])
def test_no_member_outside_the_space(index: int) -> None:
    """Indices do not wrap round."""
    with pytest.raises(IndexError):
        genotype_at(small(), index)


def test_choices_are_checked() -> None:
    """Too few, too many, negative or past the end: no genotype."""
    space = small()
    for wrong, error in (
        ([0] * 9, ValueError),
        ([0] * 11, ValueError),
        ([-1] + [0] * 9, IndexError),
        ([2] + [0] * 9, IndexError),
    ):
        with pytest.raises(error):
            genotype_from_choices(space, wrong)


def test_decisions_are_the_fields_in_order() -> None:
    """Five a block, pinned ones too."""
    assert [len(options) for options in decisions(small())] == [2, 1, 2, 1, 2, 3, 3, 1, 1, 1]


# -- drawing ------------------------------------------------------------------------------------


def test_draws_depend_on_the_seed_alone() -> None:
    """The same seed draws the same, whatever the number; another seed does not."""
    space = load_space("nasnet_space")
    assert list(sample(space, 5, seed=1)) == list(sample(space, 9, seed=1))[:5]
    assert list(sample(space, 5, seed=1)) != list(sample(space, 5, seed=2))


def test_draws_are_indices_from_the_standard_generator() -> None:
    """As documented, so that anyone can draw the same."""
    space = load_space("nasnet_space")
    random = Random(7)
    expected = [genotype_at(space, random.randrange(count(space))) for _ in range(5)]
    assert list(sample(space, 5, seed=7)) == expected


def test_draws_are_the_same_in_every_run() -> None:
    """A draw written down, under two PYTHONHASHSEEDs: seeds stay good across versions."""
    code = (
        "import nasdsl.canonical as c, nasdsl.loading as l, nasdsl.space as s;"
        "space = l.load_space('nasnet_space');"
        "drawn = list(s.sample(space, 2, seed=2018));"
        "print(*[s.index_of(space, g) for g in drawn], *map(c.canonical_hash, drawn))"
    )
    printed = printed_under_hash_seeds(code)
    assert printed == {
        "2146752904120830786234008987072530911 1584730620349117830877101527964801353"
        " 020ed5de30baeef6 63b6bd0e16652134"
    }


def test_draws_are_uniform() -> None:
    """7,200 draws of 72 members: the chi-squared statistic is where it should be.

    With 71 degrees of freedom it exceeds 120 in fewer than one of 2,000 seeds.
    """
    space = small()
    drawn = Counter(index_of(space, each) for each in sample(space, 7_200, seed=3))
    assert sum((drawn[index] - 100) ** 2 / 100 for index in range(72)) < 120


def test_draws_are_members_with_valid_text() -> None:
    """What is drawn prints to text that reads back as what was drawn."""
    space = load_space("nasnet_space")
    for genotype in sample(space, 50, seed=0):
        assert contains(space, genotype)
        assert loads(genotype_text(genotype)) == genotype


# -- membership -------------------------------------------------------------------------------


@given(spaces(max_blocks=2), spaces(max_blocks=2))
def test_what_another_space_draws_is_contained_when_it_is_listed(a: Space, b: Space) -> None:
    """`contains` is membership in the enumeration, up to the name of the genotype."""
    assume(count(a) <= 200)
    genotype = genotype_at(b, count(b) - 1)
    if contains(a, genotype):
        member = genotype_at(a, index_of(a, genotype))
        assert canonical_form(member) == canonical_form(genotype)
    else:
        assert genotype not in set(enumerate_genotypes(a))


def test_names_order_of_cells_and_wording_of_the_output_do_not_matter() -> None:
    """The published NASNet-A, unused states concatenated, is in the paper's space."""
    space = load_space("nasnet_space")
    genotype = load("nasnet_a_unused")
    text = genotype_text(genotype)
    for number in range(5):
        text = text.replace(f"b{number}", f"block_{number}")
    renamed = loads(text)
    assert renamed != genotype
    reordered = replace(renamed, cells=renamed.cells[::-1])
    explicit = replace(
        genotype,
        cells=tuple(
            replace(cell, output=replace(cell.output, kind="concat", states=cell.output_states))
            for cell in genotype.cells
        ),
    )
    for each in (genotype, renamed, reordered, explicit):
        assert contains(space, each)
        assert index_of(space, each) == index_of(space, genotype)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nasnet_a", "a different output"),
        ("example_c_form", "blocks"),
        ("darts_v2", "means different things"),
    ],
)
def test_what_is_not_contained(name: str, said: str) -> None:
    """Released outputs, other sizes, other vocabularies: NAS602 says what is different."""
    space = load_space("nasnet_space")
    genotype = load(name)
    assert not contains(space, genotype)
    with pytest.raises(CellError) as raised:
        index_of(space, genotype)
    assert codes(raised) == ["NAS602"]
    assert said in str(raised.value)


def test_an_option_that_is_not_listed_is_named() -> None:
    """The message says which field leaves the space and what the space has there."""
    text = SMALL.replace("{add | concat}", "add").replace("?", "h[i]")
    genotype = loads(text.replace("{identity | conv_1x1}", "conv_3x3"))
    with pytest.raises(CellError) as raised:
        choices(small(), genotype)
    assert str(raised.value).startswith(
        "error[NAS602]: the first op of `b0` in the cell `normal` is conv_3x3,"
        " and the space allows `identity` or `conv_1x1`"
    )


def test_one_kind_of_cell_is_not_two() -> None:
    """A genotype without a reduction cell is not in a space with one."""
    genotype = load("nasnet_a_unused")
    only_normal = replace(genotype, cells=genotype.cells[:1])
    assert not contains(load_space("nasnet_space"), only_normal)


# -- steps --------------------------------------------------------------------------------------


def _changed(space: Space, a: Genotype, b: Genotype) -> int:
    return sum(x != y for x, y in zip(choices(space, a), choices(space, b), strict=True))


@given(MEMBERS, st.integers())
def test_a_mutation_takes_one_decision_otherwise(pair: tuple[Space, Genotype], seed: int) -> None:
    """Exactly one, and the outcome is a member."""
    space, genotype = pair
    assume(not space.is_genotype)
    assert _changed(space, genotype, mutate(space, genotype, Random(seed))) == 1


def test_mutations_are_uniform_over_decisions() -> None:
    """A decision of three options is drawn as often as one of two, then each option alike."""
    space = small()
    start = genotype_at(space, 0)
    random = Random(11)
    steps = Counter(mutate(space, start, random) for _ in range(5_000))
    assert len(steps) == 1 + 1 + 1 + 2 + 2
    for genotype, times in steps.items():
        at = next(at for at, choice in enumerate(choices(space, genotype)) if choice)
        others = len(decisions(space)[at]) - 1
        assert abs(times * others - 1_000) < 150


def test_a_space_of_one_has_no_mutations() -> None:
    """Nothing to take otherwise: a diagnostic, not an endless loop."""
    with pytest.raises(CellError) as raised:
        mutate(load_space("nasnet_a"), load("nasnet_a"), Random(0))
    assert codes(raised) == ["NAS604"]


@given(MEMBERS)
def test_neighbours_are_the_members_one_decision_away(pair: tuple[Space, Genotype]) -> None:
    """As many as there are other options, each once, and no two decisions away."""
    space, genotype = pair
    found = list(neighbours(space, genotype))
    assert len(found) == len(set(found)) == sum(len(each) - 1 for each in decisions(space))
    assert all(_changed(space, genotype, each) == 1 for each in found)


def test_steps_start_inside_the_space() -> None:
    """A genotype of elsewhere has no neighbours here; it is said at once, not at the first."""
    for step in (
        lambda space, genotype: mutate(space, genotype, Random(0)),
        neighbours,
    ):
        with pytest.raises(CellError) as raised:
            step(load_space("nasnet_space"), load("nasnet_a"))
        assert codes(raised) == ["NAS602"]


def test_a_step_keeps_what_the_space_says() -> None:
    """Block names, name, settings and vocabulary are the space's, whoever was mutated."""
    space = replace(small(), settings=load("nasnet_a_mobile").settings)
    text = space_text(replace(small(), name="other")).replace("b0", "x").replace("b1", "y")
    stranger = genotype_at(loads_space(text), 5)
    moved = mutate(space, stranger, Random(1))
    assert (moved.name, moved.settings) == (space.name, space.settings)
    assert [block.name for block in moved.cells[0].blocks] == ["b0", "b1"]


# -- size ---------------------------------------------------------------------------------------


def test_a_thousand_blocks() -> None:
    """Large spaces count, draw and step in little time; nothing is tried one by one."""
    text = "ops nasnet cell normal { 1000 * ({h[i] | h[i-1]}, h[i], ?, ?, {add | concat}) }"
    space = loads_space(text)
    size = count(space)
    assert size == (2 * 13 * 13 * 2) ** 1000
    (genotype,) = sample(space, 1, seed=1)
    assert contains(space, mutate(space, genotype, Random(2)))
    assert genotype_at(space, size - 1) == genotype_from_choices(
        space, [len(options) - 1 for options in decisions(space)]
    )


def test_a_space_over_its_own_vocabulary() -> None:
    """Ops that a file redefines are not the library's: same name, another space."""
    own = loads_space(
        "ops nasnet op identity = [relu] cell normal { b = (h[i], h[i], identity, ?, add) }"
    )
    plain = loads_space("ops nasnet cell normal { b = (h[i], h[i], identity, ?, add) }")
    assert not contains(own, genotype_at(plain, 0))
    assert contains(own, replace(genotype_at(own, 3), name="other"))
    assert library.vocabulary("nasnet").op["identity"] != own.vocabulary.op["identity"]
