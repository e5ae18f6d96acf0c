"""The tree of an edited text is that of a fresh parse."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.language.parser import incremental, parse
from tests.edits import random_edit

ODD = """\
ops nasnet
cell normal { b0 = (h[i], h[i], identity, identity, add) # a comment
 3 * (?, {h[i] | b0}, ?, ?, ?)  output concat(b0)
}
op x = 2 * [relu, conv(3x3, dilation 2, filters/4)] + [] else []
combine y = [sum, layer_norm]
network { N = 3 }
"""
TEXTS = [ODD, *(library.source(name).text for name in ("nasnet_a", "nasnet_space", "darts_v2"))]
GENTLE = (" ", "\n", "x", "1", "# a comment\n", "#", "}", "b7 = (h[i], h[i], ?, ?, ?)", "é", "\0")


def parsed(text: str) -> incremental.Parsed:
    return parse(Source("edited.cell", text))


@given(st.integers(0, 10**9))
def test_after_any_edits_the_tree_is_that_of_a_fresh_parse(seed: int) -> None:
    random = Random(seed)
    text = random.choice(TEXTS)
    before = parsed(text)
    for _ in range(8):
        at = random.randint(0, len(text))
        if random.random() < 0.6:
            text = text[:at] + random.choice(GENTLE) + text[at:]
        else:
            text = random_edit(random, text).applied(text)
        found = incremental.reparsed(before, Source("edited.cell", text))
        assert found == parsed(text)
        # A text with mistakes is always parsed from scratch.
        before = parsed(text := random.choice(TEXTS)) if found.diagnostics else found


@pytest.mark.parametrize("text", TEXTS)
def test_an_edit_inside_a_cell_is_not_parsed_from_scratch(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = text.index("\n", text.index("cell normal")) + 1
    new = f"{text[:at]} b9 = (h[i], h[i], identity, identity, add)\n{text[at:]}"
    before, wanted = parsed(text), parsed(new)
    monkeypatch.setattr(incremental, "parse", None)
    found = incremental.reparsed(before, Source("edited.cell", new))
    assert found == wanted
    # And what comes after it is the same, moved.
    assert len(found.file.items) == len(before.file.items)
