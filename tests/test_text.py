"""The canonical printed text: it reads back as what was printed, in the formatter's style."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.language.parser import parse
from nasdsl.language.printer.format import formatted_text
from nasdsl.loading import load, load_space, loads, loads_space
from nasdsl.strategies import any_genotypes, spaces

OWN_DEFINITIONS = """\
genotype own
ops nasnet

op blur              = [avg_pool(3x3, stride)] else [avg_pool(3x3, stride), pointwise, batch_norm]
op identity          = []
op a_long_name_of_op = [relu, conv(1x7, stride_x), batch_norm, relu, conv(7x1, stride_y),
        batch_norm, relu, conv(1x1), batch_norm]
combine mix = [concat, pointwise]
combine add = [sum, layer_norm]

cell normal {
    left  = (h[i], h[i-1], blur,         identity,          mix)
    right = (left, h[i-1], sep_conv_3x3, a_long_name_of_op, add)
    output each(right, left)
}

network {
    skeleton           = pnasnet
    N                  = 6
    auxiliary          = true
    dropout            = 0.5
    batch_norm_epsilon = 1e-05
}
"""

CHOICES = """\
genotype open
ops nasnet

cell normal {
    b0  = (h[i],          {h[i] | h[i-1]}, identity,                  conv_1x1, add)
    two = ({b0 | h[i-1]}, h[i],            {identity | sep_conv_3x3}, conv_1x1, {add | concat})
    output concat(two, h[i])
}
"""


def reformatted(text: str) -> str:
    """What the formatter makes of `text`."""
    parsed = parse(Source("printed", text))
    assert parsed.diagnostics == ()
    return formatted_text(parsed)


@given(any_genotypes())
def test_a_genotype_reads_back(genotype: Genotype) -> None:
    """`loads(genotype_text(g)) == g`, and the formatter has nothing to do."""
    text = genotype_text(genotype)
    assert loads(text) == genotype
    assert reformatted(text) == text


@given(spaces())
def test_a_space_reads_back(space: Space) -> None:
    """The same for spaces, whose options keep their order."""
    text = space_text(space)
    assert loads_space(text) == space
    assert reformatted(text) == text


@given(any_genotypes(library.vocabulary("darts")))
def test_a_genotype_over_another_vocabulary_reads_back(genotype: Genotype) -> None:
    """The vocabulary is named in the text."""
    assert loads(genotype_text(genotype)) == genotype


@pytest.mark.parametrize("name", library.names())
def test_the_library_reads_back(name: str) -> None:
    """Every genotype, space and preset; a genotype prints the same as the space it is."""
    space = load_space(name)
    text = space_text(space)
    assert loads_space(text) == space
    assert reformatted(text) == text
    if space.is_genotype:
        assert genotype_text(load(name)) == text


def test_printed_text_of_a_genotype() -> None:
    """Definitions, names, outputs and settings, exactly."""
    assert genotype_text(loads(OWN_DEFINITIONS)) == OWN_DEFINITIONS
    assert reformatted(OWN_DEFINITIONS) == OWN_DEFINITIONS


def test_printed_text_of_a_space() -> None:
    """Choices in their order and in columns, exactly."""
    assert space_text(loads_space(CHOICES)) == CHOICES


def test_a_hole_prints_as_its_options() -> None:
    """`?` is written out, so that the text means the same on its own."""
    space = loads_space("ops nasnet cell normal { b = (?, h[i], identity, identity, add) }")
    assert "({h[i] | h[i-1]}, h[i], identity, identity, add)" in space_text(space)


def test_a_genotype_without_a_vocabulary() -> None:
    """Without `ops`, every op and combine is the file's own."""
    text = (
        "genotype bare\n\nop wide = [conv(3x3, stride)]\ncombine add = [sum]\n\n"
        "cell reduction {\n    b0 = (h[i], h[i], wide, wide, add)\n    output unused\n}\n"
    )
    assert genotype_text(loads(text)) == text


@given(
    st.builds(
        Settings,
        skeleton=st.sampled_from([None, "nasnet", "darts"]),
        N=st.none() | st.integers(1, 20),
        auxiliary=st.none() | st.booleans(),
        drop_path=st.none() | st.floats(0, 0.99),
        batch_norm_epsilon=st.none() | st.floats(1e-12, 1),
    )
)
def test_settings_read_back(settings: Settings) -> None:
    """Every float to the last digit, whether Python writes it with an exponent or not."""
    genotype = replace(load("nasnet_a"), settings=settings)
    assert loads(genotype_text(genotype)).settings == settings
