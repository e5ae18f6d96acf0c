"""The public strategies: valid, varied, and shrinking to what a person can read."""

import subprocess
import sys

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Genotype, Hidden, Space
from nasdsl.language.genotype.vocabulary import Combine, Form, Layer, Op, Vocabulary
from nasdsl.loading import load_space, loads, loads_space
from nasdsl.space import contains
from nasdsl.strategies import any_genotypes, genotypes, spaces, texts

QUICK = settings(max_examples=2_000, phases=[Phase.generate, Phase.shrink])

TWO_BLOCKS = """\
genotype drawn
ops nasnet

cell normal {
    b0 = (h[i], h[i], identity, identity, add)
    b1 = (h[i], h[i], identity, identity, add)
    output unused
}
"""


@given(spaces().flatmap(lambda space: st.tuples(st.just(space), genotypes(space))))
def test_genotypes_are_members(pair: tuple[Space, Genotype]) -> None:
    """What is drawn from a space is of the space."""
    space, genotype = pair
    assert contains(space, genotype)


@pytest.mark.parametrize("name", library.vocabulary_names())
def test_texts_are_valid_over_every_vocabulary(name: str) -> None:
    """Whatever is drawn reads without an error."""

    @settings(max_examples=50)
    @given(texts(library.vocabulary(name)))
    def valid(text: str) -> None:
        assert loads_space(text).vocabulary == library.vocabulary(name)

    valid()


@given(any_genotypes(max_blocks=2))
def test_limits_are_kept(genotype: Genotype) -> None:
    """No more blocks than asked for."""
    assert all(1 <= len(cell.blocks) <= 2 for cell in genotype.cells)


@given(spaces(max_options=1))
def test_one_option_leaves_no_holes(space: Space) -> None:
    """Spaces of one option a field are genotypes."""
    assert space.is_genotype


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(lambda g: len(g.cells) == 2, id="two cells"),
        pytest.param(lambda g: g.cells[0].kind == "reduction", id="reduction alone"),
        pytest.param(lambda g: g.cells[0].output.kind == "each", id="each"),
        pytest.param(lambda g: g.cells[0].output.kind == "concat", id="concat"),
        pytest.param(lambda g: g.cells[0].output.kind == "unused", id="unused"),
        pytest.param(lambda g: g.cells[0].blocks[0].name not in ("b0", "a"), id="other names"),
        pytest.param(
            lambda g: any(
                isinstance(state, Hidden) and state.back > 1
                for cell in g.cells
                for block in cell.blocks
                for state in block.inputs
            ),
            id="h[i-2]",
        ),
        pytest.param(
            lambda g: any(isinstance(state, Hidden) for state in g.cells[0].output.states),
            id="input passed on",
        ),
    ],
)
def test_every_form_is_drawn(wanted: object) -> None:
    """Each form of cell the language has turns up."""
    assert find(any_genotypes(), wanted, settings=QUICK)  # type: ignore[arg-type]


def test_spaces_have_holes() -> None:
    """A space is more than a genotype, and shrinks to one choice of two options."""
    found = find(spaces(), lambda space: not space.is_genotype, settings=QUICK)
    assert space_text(found) == (
        "genotype drawn\nops nasnet\n\ncell normal {\n"
        "    b0 = (h[i], h[i], identity, identity, {add | concat})\n"
        "    output unused\n}\n"
    )


def test_genotypes_shrink_to_the_first_options() -> None:
    """All that is left of a failing example is what made it fail."""
    space = load_space("nasnet_space")
    found = find(
        genotypes(space), lambda g: "max_pool_5x5" in g.cells[1].blocks[2].ops, settings=QUICK
    )
    plain = "(h[i], h[i], identity, identity,     add)\n"
    assert genotype_text(found).split("cell reduction")[1].count(plain) == 4
    assert "    b2 = (h[i], h[i], identity, max_pool_5x5, add)\n" in genotype_text(found)


def test_small_genotypes_shrink_to_one_block() -> None:
    """Blocks that do not matter go away."""
    found = find(any_genotypes(), lambda g: len(g.cells[0].blocks) > 1, settings=QUICK)
    assert genotype_text(found) == TWO_BLOCKS


@given(
    spaces(
        Vocabulary("flat", (Op("norm", (Form((Layer("batch_norm"),)),)),), (Combine("add", "sum"),))
    )
)
def test_no_reduction_cells_without_an_op_that_reduces(space: Space) -> None:
    """A vocabulary that cannot reduce gives normal cells alone."""
    assert [cell.kind for cell in space.cells] == ["normal"]


def test_a_failing_test_prints_no_definitions() -> None:
    """`repr` of a genotype is about its cells; a vocabulary is its name."""
    shown = repr(loads(TWO_BLOCKS))
    assert "Vocabulary(name='nasnet', local=())" in shown
    assert len(shown) < 500


def test_without_hypothesis_the_way_out_is_named() -> None:
    """Importing the module alone needs hypothesis, and says how to get it."""
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import nasdsl, nasdsl.space\n"
        "try:\n    import nasdsl.strategies\n"
        "except ImportError as error:\n    print(error)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 'pip install ".[strategies]"' in printed
    assert "NAS701" in printed
