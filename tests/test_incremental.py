"""What is known of a text makes the next one quicker to analyse, and changes no answer."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.language.memory import TextMemory
from nasdsl.language.parser import KnownBlocks, parse
from nasdsl.loading import analyse
from nasdsl.service import Document, inlay_hints, semantic_tokens
from tests.edits import random_edit
from tests.work import calls

ODD = """\
ops nasnet
cell normal { b0 = (h[i], h[i], identity, identity, add) # a comment
 3 * (?, {h[i] | b0}, ?, ?, ?)  output concat(b0)
}
op x = 2 * [relu, conv(3x3, dilation 2, filters/4)] + [] else []
combine y = [sum, layer_norm]
network { N = 3 }
"""
# Names that are words of the language, where recovery and the grammar may read them otherwise.
WORDS = """\
ops nasnet
cell normal {
    b0 = (h[i], h[i-1], identity, identity, add)
    op = (b0, b0, identity, identity, add)
    b1 = (op, cell, identity, identity, add)
    each = (op, h[ i - 1 ], { identity | sep_conv_3x3 }, ?, add,)
    b1 = (each, b0, identity, identity)
    b4 = (b0, b1, identity, identity, add) ; b5 = (b0, b1, identity, identity, add)
}
cell reduction {
    b0 = (h[i], h[i-1], identity, identity, add)
    b1 = (b0, b0, identity, identity, add)
    b2 = (b1, b0, identity, identity, add)
}
"""
TEXTS = [
    ODD,
    WORDS,
    *(library.source(name).text for name in ("nasnet_a", "nasnet_space", "darts_v2", "nasnet")),
]
GENTLE = (
    *(
        " ",
        "\n",
        "x",
        "1",
        "# a comment\n",
        "#",
        "}",
        "{",
        "(",
        ")",
        ",",
        "b7 = (h[i], h[i], ?, ?, ?)",
    ),
    *("é", "\0", "а", "'", "/*", "*/", "//", "sep-conv", ";", "cell ", "\n    b3 = (b0, b1, "),
    *("\n    b0 = (h[i], h[i-1], identity, identity, add)\n", "op ", "+ 2 * [", "+2 * ["),
)


def edited(random: Random, text: str) -> str:
    at = random.randint(0, len(text))
    if random.random() < 0.6:
        return text[:at] + random.choice(GENTLE) + text[at:]
    return random_edit(random, text).applied(text)


@given(st.integers(0, 10**9))
def test_after_any_edits_everything_is_as_in_a_fresh_text(seed: int) -> None:
    """The tree, the findings with their places, the meaning, and what an editor shows."""
    random = Random(seed)
    text = random.choice(TEXTS)
    memory = TextMemory()
    for _ in range(8):
        # Mostly an edit after the other, at times back to a text of before, as by undoing.
        text = random.choice(TEXTS) if random.random() < 0.1 else edited(random, text)
        source = Source("edited.cell", text)
        document, fresh = Document(source, memory=memory), Document(source)
        assert document.parsed == parse(source)
        assert document.diagnostics == analyse(source).diagnostics
        assert document.space == fresh.space
        assert document.blocks_at == fresh.blocks_at
        assert document.widths == fresh.widths
        assert semantic_tokens(document) == semantic_tokens(fresh)
        assert inlay_hints(document) == inlay_hints(fresh)


@given(st.integers(0, 10**9))
def test_what_is_known_of_any_text_is_known_of_any_other(seed: int) -> None:
    """Blocks of texts that have nothing to do with each other, and of broken ones, too."""
    random = Random(seed)
    known = KnownBlocks()
    for _ in range(4):
        text = random.choice(TEXTS)
        for _ in range(random.randint(0, 5)):
            text = edited(random, text)
        source = Source("edited.cell", text)
        assert parse(source, known) == parse(source)


def genotype(blocks: int) -> str:
    rows = [f"    b{n} = (h[i], h[i-1], sep_conv_3x3, identity, add)\n" for n in range(blocks)]
    return f"ops nasnet\n\ncell normal {{\n{''.join(rows)}}}\n"


@pytest.mark.parametrize(
    "new",
    [
        "    b0x = (h[i], b3, identity, identity, add)\n",
        "    # a comment\n",
        "    b0x = (h[i], b3, \n",
        "    b0x = (h[i], b3, idntity, identity, add)\n",
        "\0",
    ],
)
def test_an_edit_costs_a_fraction_of_a_fresh_text(new: str) -> None:
    """Whether the text is sound after it or not, and wherever it is."""
    parse(Source("edited.cell", "("))  # whatever is read once only
    text = genotype(400)
    for after in ("b5 ", "b390 "):
        at = text.index(f"    {after}")
        source = Source("edited.cell", f"{text[:at]}{new}{text[at:]}")
        memory = TextMemory()
        assert not Document(Source("edited.cell", text), memory=memory).diagnostics
        document, fresh = Document(source, memory=memory), Document(source)
        for times, what in ((4, "parsed"), (2, "diagnostics")):
            assert times * work(document, what) < work(fresh, what)


def work(document: Document, what: str) -> int:
    return calls(lambda: getattr(document, what))


def test_no_more_is_known_than_the_last_text_has() -> None:
    """However much is written and deleted."""
    known = KnownBlocks()
    for number in range(50):
        text = genotype(3).replace("b2", f"c{number}")
        parse(Source("edited.cell", text), known)
        assert len(known) == 3
        parse(Source("edited.cell", f"{text}("), known)
        assert len(known) <= 3
    parse(Source("edited.cell", ""), known)
    assert len(known) == 0
