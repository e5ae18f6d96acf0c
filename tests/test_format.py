"""The formatter: one style, nothing lost, nothing changed by a second run."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.parser import parse
from nasdsl.language.parser.tokens import lexed_tokens
from nasdsl.language.printer.format import formatted_text
from nasdsl.language.printer.lines import WIDTH, aligned_tuples, wrapped
from nasdsl.loading import load_space, loads
from nasdsl.space import sample
from tests.fuzz import meaning
from tests.thorough import many


def fmt(text: str) -> str:
    parsed = parse(Source("x.cell", text))
    assert parsed.diagnostics == ()
    return formatted_text(parsed)


def comments(text: str) -> list[str]:
    return [comment.text for comment in parse(Source("x", text)).file.comments]


UNTIDY = """

# top


genotype   x # name
ops nasnet
op a=[relu,  # first
  conv( 3x3,stride )] # end a
  # before else
  else [relu] # second
op bb = 2*[relu] + [batch_norm,]
combine c = [sum]
cell normal   { # open
  # lead

  b0=(h[ i ],h[i-1],# inner
    a, # the op
    # own
    a,add) # tail
  b1 = (b0, h[i], sep_conv_3x3, {a|b}, add,)   # t1


  3*(?,?,?,?,?)
  output concat(b0,
    b1 # last
    )
  # end of body
} # closed
network { N=6 # six
filters=4032
# done
}
# eof"""


def test_the_style_in_one_file(golden) -> None:
    """Columns, comments and blank lines as the golden file shows them."""
    golden("format/untidy.cell", fmt(UNTIDY))


@pytest.mark.parametrize("name", [*library.names(), *library.vocabulary_names()])
def test_the_library_is_formatted(name: str) -> None:
    """Every shipped file is in the one style already."""
    text = library.source(name).text
    assert fmt(text) == text


def test_a_column_is_at_most_200_wide() -> None:
    """A longer text stands out of it, and the other rows are not padded for its sake."""
    fits, longer = "a" * 200, "a" * 201
    assert aligned_tuples([(fits, ("x",)), ("b", ("x",))])[1] == f"{'b':>200} (x)"
    assert aligned_tuples([(longer, ("x",)), ("b", ("x",))])[1] == "b (x)"
    assert aligned_tuples([("b", (fits, "x")), ("b", ("y", "x"))])[1] == f"b (y,{' ' * 199} x)"
    assert aligned_tuples([("b", (longer, "x")), ("b", ("y", "x"))])[1] == "b (y, x)"


def test_an_empty_file_stays_empty_and_a_lone_comment_stays() -> None:
    """No line is made up."""
    assert fmt("") == ""
    assert fmt("\n\n  # hello  \n\n") == "# hello\n"


def test_windows_line_endings_become_plain() -> None:
    """The output has one kind of line ending."""
    assert fmt("genotype a # x\r\nops nasnet\r\n") == "genotype a  # x\nops nasnet\n"


# Pieces of a file, between any two of which white space and comments may be put.
_PIECES = [
    "genotype", "g", "ops", "nasnet", "op", "q", "=", "2", "*", "[", "relu", ",", "conv", "(",
    "3x3", ",", "dilation", "2", ")", "]", "+", "[", "relu", "]", "else", "[", "]", "combine",
    "c", "=", "[", "sum", "]", "cell", "normal", "{", "b0", "=", "(", "h[i]", ",", "?", ",",
    "{", "a", "|", "b", "}", ",", "x", ",", "add", ")", "2", "*", "(", "?", ",", "?", ",", "?",
    ",", "?", ",", "?", ")", "output", "concat", "(", "b0", ",", "h[i-1]", ")", "}", "cell",
    "reduction", "{", "b0", "=", "(", "h[i]", ",", "h[i]", ",", "a", ",", "a", ",", "add", ")",
    "output", "unused", "}", "network", "{", "N", "=", "6", "filters", "=", "4032", "}",
]  # fmt: skip
_GAPS = st.lists(
    st.sampled_from([" ", "\n", "\n\n", "\n\n\n", "\t", " # c\n", "\n# own\n", "  #\n# two\n"]),
    min_size=1,
    max_size=2,
).map("".join)


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """One file in any layout, with comments anywhere."""
    gaps = draw(st.lists(_GAPS, min_size=len(_PIECES), max_size=len(_PIECES)))
    text = "".join(gap + piece for gap, piece in zip(gaps, _PIECES, strict=True))
    numbers = iter(range(1000))
    return "".join(f"#{next(numbers)}" if char == "#" else char for char in text)


@pytest.mark.parametrize("share", range(4))
def test_many_layouts_keep_their_tokens_and_comments(share: int) -> None:
    """Random layouts of random members of a space: nothing lost, nothing left to change.

    A thousand of them, and ten thousand with HYPOTHESIS_PROFILE=thorough.
    """
    dice = Random(share)
    space = load_space("nasnet_space")
    gaps = [" ", "\n", "\n\n\n", "\t", " # c\n", "\n# own\n", "  #\n# two\n"]
    weights = [60, 20, 4, 4, 4, 4, 2]
    for genotype in sample(space, many(2_500, usually=250), seed=share):
        tokens = [str(read.token) for read in lexed_tokens(genotype_text(genotype), [])]
        chosen = dice.choices(gaps, weights, k=len(tokens))
        text = "".join(gap + token for gap, token in zip(chosen, tokens, strict=True))
        parsed = parse(Source("x.cell", text))
        once = formatted_text(parsed)
        again = parse(Source("x.cell", once))
        assert [c.text for c in parsed.file.comments] == [c.text for c in again.file.comments]
        assert formatted_text(again) == once
        assert loads(once) == genotype


@given(layouts())
def test_any_layout_keeps_tokens_and_comments_and_settles_at_once(text: str) -> None:
    """Formatting keeps every token and every comment in order, and is idempotent."""
    once = fmt(text)
    assert meaning(once) == meaning(text)
    assert comments(once) == comments(text)
    assert fmt(once) == once
    assert all(line == line.rstrip() for line in once.splitlines())
    assert "\n\n\n" not in once


@pytest.mark.parametrize("length", range(44, 50))
def test_broken_lines_end_within_the_width(length: int) -> None:
    """A line is broken where its last comma would stand in column 101, and no sooner."""
    first, second = "a" * 50, "b" * length
    found = wrapped(f"{first}, {second}, {first}")
    assert max(map(len, found)) <= WIDTH
    assert (found[0] == f"{first}, {second},") == (50 + 2 + length + 1 <= WIDTH)


def test_an_empty_line_separates_what_is_aligned() -> None:
    """Definitions below each other are aligned, and those after an empty line by themselves."""
    text = "op a    = [relu]\nop long = [relu]\n\nop c = [relu]\nop d = [relu]\n"
    assert formatted_text(parse(Source("a.cell", text))) == text


def test_a_comment_right_behind_a_word() -> None:
    """It stays in the line, two spaces away."""
    text = "genotype g\nops nasnet# the paper's\n\nop a = [relu]# one\n"
    assert formatted_text(parse(Source("a.cell", text))) == (
        "genotype g\nops nasnet  # the paper's\n\nop a = [relu]  # one\n"
    )


def test_a_comment_at_the_end_of_a_cell() -> None:
    """The empty line before it stays, and none comes before the bracket."""
    text = (
        "genotype g\nops nasnet\n\ncell normal {\n"
        "    a = (\n        h[i],\n        h[i],\n        identity,\n        identity,\n"
        "        add,\n\n        # why\n    )\n}\n"
    )
    assert formatted_text(parse(Source("a.cell", text))) == text


@pytest.mark.parametrize("inside", ["", "\n", "\n\n\n", "  "])
def test_a_network_without_settings(inside: str) -> None:
    """Two lines, whatever space is in it."""
    text = f"genotype g\nops nasnet\n\nnetwork {{{inside}}}\n"
    assert formatted_text(parse(Source("a.cell", text))) == (
        "genotype g\nops nasnet\n\nnetwork {\n}\n"
    )
