"""Hostile inputs: no traceback, every place inside the text, nothing lost."""

import pytest

from nasdsl.errors import Source
from nasdsl.language.parser import parse
from nasdsl.language.parser.tokens import lexed_tokens
from nasdsl.loading import analyse
from tests.fuzz import checked, fuzzed
from tests.thorough import many

SEED = 2
SHARES, INPUTS = 4, many(20_000, usually=2_000)


def test_inputs_depend_on_their_numbers_alone() -> None:
    """The same two numbers give the same input, others give another."""
    assert fuzzed(SEED, 7) == fuzzed(SEED, 7)
    assert len({fuzzed(SEED, number) for number in range(100)}) > 90


@pytest.mark.parametrize("share", range(SHARES))
def test_no_input_breaks_anything(share: int) -> None:
    """All that `checked` asserts; texts of every fate are among the inputs."""
    no_text = sound = refused = 0
    for number in range(share, INPUTS, SHARES):
        data = fuzzed(SEED, number)
        try:
            examined = checked(data)
        except Exception as error:
            pytest.fail(f"fuzzed({SEED}, {number}) == {data!r}\n{error!r}")
        no_text += examined is None
        refused += examined is not None and any(each.is_error for each in examined.diagnostics)
        sound += examined is not None and examined.space is not None
    assert min(no_text, sound, refused) > INPUTS // SHARES // 100


# Every rule of the grammar, so that a cut can fall into any of them.
EVERYTHING = """genotype g
ops nasnet
op a = [] else 2 * [conv(3x3, stride, dilation 2, filters/4,), relu,] + [batch_norm]
combine c = [sum, layer_norm]
cell normal {
    b0 = (h[i], {h[i] | h[i-1]}, ?, a, c,)
    2 * (?, ?, a, a, {add | c})
    output concat(b0, b1)
}
cell reduction {
    b0 = (h[i], h[i-1], a, a, c)
    output unused
}
network { stem = cifar N = 6 }
"""


def test_a_text_cut_anywhere_is_whole_or_has_a_finding() -> None:
    """No unfinished text passes, and what was finished before the cut is kept."""
    items = parse(Source("x.cell", EVERYTHING)).file.items
    sound = []
    for read in lexed_tokens(EVERYTHING, []):
        cut = EVERYTHING[: read.token.end_pos]
        checked(cut)
        parsed = parse(Source("x.cell", cut))
        whole = [item for item in items if item.span.end <= len(cut)]
        assert list(parsed.file.items[: len(whole)]) == whole
        if not parsed.diagnostics:
            sound.append(cut.split()[-1])
    header, definitions = ["g", "nasnet"], ["[]", "relu,]", "[batch_norm]", "layer_norm]"]
    assert sound == [*header, *definitions, "}", "}", "}", "}"]


@pytest.mark.parametrize("text", ["genotypeg", "opsnasnet", "cellnormal { b = (?, ?, ?, ?, ?) }"])
def test_words_of_the_language_are_whole_words(text: str) -> None:
    """A keyword that runs into a name is no keyword."""
    assert parse(Source("x.cell", text)).diagnostics


def test_a_space_is_told_what_is_wrong_with_the_network_of_all_its_members() -> None:
    """What every member would be refused for, the space is; what only some are, it is not."""
    cells = "cell normal {{ b0 = (?, ?, ?, ?, add) }}\nnetwork {{ {} }}\n"
    text = "genotype g\nops nasnet\n" + cells

    def codes(settings: str) -> list[str]:
        return [each.code for each in analyse(Source("x.cell", text.format(settings))).diagnostics]

    assert codes("skeleton = nasnet") == ["NAS304"]
    assert codes("skeleton = pnasnet stem = moon") == ["NAS502"]
    assert codes("skeleton = pnasnet N = 2 layers = 9") == ["NAS505"]
    assert codes("skeleton = pnasnet image_size = 1 stem = imagenet") == ["NAS504"]
    assert codes("skeleton = pnasnet filters = 44") == []
