"""Explanations: every code has one, and its examples do what it says."""

import re

import pytest

from nasdsl.errors import CODES, CellError, Source
from nasdsl.errors.explain import explanation
from nasdsl.language.parser import parse
from nasdsl.language.printer.format import formatted
from nasdsl.loading import analyse

# Codes that no `.cell` text alone can cause; their explanations show commands instead. Those
# of other tools' texts (65), the installation, weights and nasdsl itself (7, 8, 9) never are.
NOT_IN_A_TEXT = {
    *("NAS001", "NAS002", "NAS004", "NAS006", "NAS007", "NAS107", "NAS310"),
    *("NAS601", "NAS602", "NAS603", "NAS604"),
    *(code for code in CODES if code[3] in "789" or code.startswith("NAS65")),
}
IN_A_TEXT = {
    *("NAS001", "NAS002", "NAS004", "NAS006", "NAS107", "NAS310"),
    *("NAS601", "NAS602", "NAS603", "NAS604", "NAS701", "NAS900"),
    *("NAS702", "NAS703", "NAS704"),
    *("NAS801", "NAS802", "NAS803", "NAS804", "NAS805"),
}
IN_A_TEXT = sorted(CODES.keys() - NOT_IN_A_TEXT)


def _blocks(code: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", explanation(code), re.M | re.S)


@pytest.mark.parametrize("code", CODES)
def test_form(code: str) -> None:
    """Title, two to six sentences that stand back from the reader, ASCII outside examples."""
    title, _, prose, *_ = explanation(code).split("\n")
    sentences = re.findall(r"[.!?](?=\s|$)", prose)
    assert title == f"# {code}: {CODES[code].title}"
    assert 2 <= len(sentences) <= 6
    assert prose.isascii()
    assert not re.search(r"\b[Yy]ou", prose)


@pytest.mark.parametrize("code", IN_A_TEXT)
def test_wrong_examples(code: str) -> None:
    """The wrong text of a code has that finding and no other."""
    wrong = _blocks(code, "cell wrong")
    assert wrong
    for text in wrong:
        found = analyse(Source("wrong.cell", text)).diagnostics
        assert {finding.code for finding in found} == {code}


@pytest.mark.parametrize("code", IN_A_TEXT)
def test_right_examples(code: str) -> None:
    """The right text of a code has no finding, and is written as the formatter would."""
    right = _blocks(code, "cell right")
    assert right
    for text in right:
        source = Source("right.cell", text)
        assert analyse(source).diagnostics == ()
        assert formatted(parse(source)) == text


@pytest.mark.parametrize("code", sorted(NOT_IN_A_TEXT))
def test_other_examples(code: str) -> None:
    """A code that is not about a text shows commands."""
    assert _blocks(code, "(?:sh|python)")


@pytest.mark.parametrize("name", ["NAS201", "nas201", " 201 "])
def test_names_of_codes(name: str) -> None:
    """A code is found in any case, and by its number alone."""
    assert explanation(name) == explanation("NAS201")


def test_leading_zeros_may_be_left_out() -> None:
    """`nasdsl explain 1` means NAS001."""
    assert explanation("1") == explanation("NAS001")


def test_unknown_code() -> None:
    """An unknown code is refused with the nearest known one."""
    with pytest.raises(CellError) as caught:
        explanation("NASS201")
    assert caught.value.diagnostics[0].hints == ("did you mean `NAS201`?",)


@pytest.mark.parametrize("name", ["", "../codes", "NAS201\n# x", "x" * 10_000, "٢٠١"])
def test_hostile_names(name: str) -> None:
    """No name reaches the file system unless it is a code."""
    with pytest.raises(CellError):
        explanation(name)
