"""What differs, in words: the sentences, and that they leave nothing out."""

from dataclasses import replace

import pytest
from hypothesis import given

from nasdsl import library
from nasdsl.canonical import difference_sentences, equivalent
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import loads
from nasdsl.strategies import any_genotypes

BLOCKS = """
    b0 = (h[i], h[i-1], sep_conv_3x3, identity,     add)
    b1 = (b0,   h[i],   max_pool_3x3, sep_conv_5x5, add)
    b2 = (h[i], b0,     conv_1x1,     identity,     concat)
"""


def cell(blocks: str = BLOCKS, output: str = "output unused", rest: str = "") -> Genotype:
    text = f"genotype g\nops nasnet\ncell normal {{ {blocks} {output} }}\n{rest}"
    return loads(text)


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ("(b0,   h[i],", "(h[i-1], h[i],", ["b1 reads h[i-1] instead of b0 in its max_pool_3x3"]),
        ("sep_conv_5x5", "identity", ["b1 applies identity instead of sep_conv_5x5 to h[i]"]),
        (
            "(b0,   h[i],   max_pool_3x3, sep_conv_5x5, add)",
            "(h[i-1], h[i-1], sep_conv_5x5, max_pool_3x3, add)",
            ["b1 reads h[i-1] instead of b0 in its max_pool_3x3 and reads h[i-1] instead of h[i] "
             "in its sep_conv_5x5"],
        ),
        (
            "(h[i], h[i-1], sep_conv_3x3",
            "(h[i-1], h[i-1], avg_pool_3x3",
            ["b0 has avg_pool_3x3(h[i-1]) instead of sep_conv_3x3(h[i])"],
        ),
        (
            "(h[i], h[i-1], sep_conv_3x3, identity,",
            "(h[i-1], h[i], avg_pool_3x3, max_pool_3x3,",
            ["b0 applies max_pool_3x3 instead of sep_conv_3x3 to h[i] and applies avg_pool_3x3 "
             "instead of identity to h[i-1]"],
        ),
        ("sep_conv_5x5, add", "sep_conv_5x5, concat", ["b1 combines with concat instead of add"]),
        (
            "(h[i], b0,     conv_1x1,     identity,     concat)",
            "(b0, h[i],     identity,     conv_1x1,     concat)",
            ["b2 has identity(b0) instead of conv_1x1(h[i]) and has conv_1x1(h[i]) instead of "
             "identity(b0)"],
        ),
        ("(h[i], h[i-1], sep_conv_3x3, identity,", "(h[i-1], h[i], identity, sep_conv_3x3,", None),
    ],
    ids=["input", "op", "inputs, in another order", "both", "ops, in another order", "combine",
         "ordered", "unordered"],
)  # fmt: skip
def test_blocks(old: str, new: str, sentences: list[str] | None) -> None:
    """Each thing a block may do otherwise; operands that are added have no order."""
    assert old in BLOCKS
    found = difference_sentences(cell(), cell(BLOCKS.replace(old, new)))
    if sentences is None:
        assert found == ("normal cell: the same up to names and order",)
    else:
        assert found == tuple(f"normal cell: {sentence}" for sentence in sentences)


def test_each_kind_of_cell_by_itself() -> None:
    """A changed normal cell says nothing of a reduction cell that is the same."""
    one, other = (
        cell(BLOCKS.replace("conv_1x1", op), rest=f"cell reduction {{ b0 = ({operands}, add) }}")
        for op, operands in (
            ("conv_1x1", "h[i], h[i-1], identity, max_pool_3x3"),
            ("identity", "h[i-1], h[i], max_pool_3x3, identity"),
        )
    )
    assert difference_sentences(one, other) == (
        "normal cell: b2 applies identity instead of conv_1x1 to h[i]",
        "reduction cell: the same up to names and order",
    )


def test_blocks_that_come_and_go() -> None:
    """A block that only one of the two has is written out."""
    less = cell(BLOCKS.rsplit("\n", 2)[0])
    assert difference_sentences(less, cell()) == (
        "normal cell: b2 is new: concat(conv_1x1(h[i]), identity(b0))",
        "normal cell: the output adds b2",
    )
    assert difference_sentences(cell(), less)[0] == (
        "normal cell: b2 is removed; it was concat(conv_1x1(h[i]), identity(b0))"
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("unused", "concat(b1, b2, h[i-1])", "the output adds h[i-1]"),
        ("concat(b0, b1, b2)", "concat(b2, h[i])", "the output adds h[i] and drops b0 and b1"),
        ("each(b1, b2)", "each(b2, b1)", "the output passes on b2 and b1 in this order"),
        ("unused", "each(b1, b2)", "the output is passed on state by state: b1 and b2"),
        ("each(b1, b2)", "unused", "the output is concatenated: b1 and b2"),
        ("each(b1)", "concat(b1, b2)", "the output is concatenated: b1 and b2"),
        ("concat(b1)", "each(b2, b1)", "the output is passed on state by state: b2 and b1"),
    ],
)
def test_outputs(old: str, new: str, sentence: str) -> None:
    """What the output has more, less, or otherwise."""
    a, b = (cell(output=f"output {text}") for text in (old, new))
    assert difference_sentences(a, b) == (f"normal cell: {sentence}",)


def test_what_is_not_in_cells() -> None:
    """Vocabularies, definitions, missing cells and settings."""
    reduction = "cell reduction { b0 = (h[i], h[i], identity, max_pool_3x3, add) }"
    a = cell(rest=reduction).with_settings(Settings(N=4, stem="cifar"))
    b = cell(rest="op conv_1x1 = [relu, pointwise]")
    b = b.with_settings(Settings(N=6, filters=96))
    assert difference_sentences(a, b) == (
        "op conv_1x1 is [relu, pointwise] instead of [relu, conv(1x1, stride), batch_norm]",
        "there is no reduction cell",
        "the network uses the default stem instead of cifar",
        "the network has N = 6 instead of 4",
        "the network has filters = 96",
    )
    assert difference_sentences(b, a)[1] == "there is a new reduction cell"


VOCABULARY = library.vocabulary("nasnet")


@given(any_genotypes(VOCABULARY), any_genotypes(VOCABULARY))
def test_nothing_is_left_out(a: Genotype, b: Genotype) -> None:
    """Cells that are not the same have a sentence; genotypes that are equal have none."""
    assert difference_sentences(a, replace(a, name="other")) == ()
    if not equivalent(a, b):
        assert any("the same" not in sentence for sentence in difference_sentences(a, b))
