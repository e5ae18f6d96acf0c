"""Explanations: every code has one, and its examples do what it says."""

import re

import pytest

from nasdsl.errors import CODES, CellError, Source
from nasdsl.errors.explain import explanation
from nasdsl.language.parser import parse
from nasdsl.language.printer.format import formatted_text
from nasdsl.loading import analyse

# Codes that no `.cell` text alone can cause; their explanations show commands instead. Those
# of other tools' texts (65), the installation, weights and nasdsl itself (7, 8, 9) never are.
NOT_IN_A_TEXT = {
    *("NAS001", "NAS002", "NAS004", "NAS006", "NAS007", "NAS008", "NAS107", "NAS310"),
    *("NAS601", "NAS602", "NAS603", "NAS604"),
    *(code for code in CODES if code[3] in "789" or code.startswith("NAS65")),
}
IN_A_TEXT = sorted(CODES.keys() - NOT_IN_A_TEXT)


SECTIONS = ["What it means", "Why it matters", "Example", "Use instead"]


def _blocks(code: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", explanation(code), re.M | re.S)


def _sections(code: str) -> dict[str, str]:
    """What stands under each heading, in the order of the text; the title's is empty."""
    title, *sections = re.split(r"^## ", explanation(code), flags=re.M)
    assert title == f"# {code}: {CODES[code].title}\n\n"
    pairs = (section.partition("\n") for section in sections)
    return {heading: body.strip() for heading, _, body in pairs}


@pytest.mark.parametrize("code", CODES)
def test_headings(code: str) -> None:
    """Every text has its four sections in this order, and one more where there is a fix."""
    assert list(_sections(code)) in (SECTIONS, [*SECTIONS, "Fix safety"])


@pytest.mark.parametrize("code", CODES)
def test_prose(code: str) -> None:
    """Paragraphs of whole sentences, each on a line of its own, that speak of the text alone."""
    sections = _sections(code)
    for heading in ("What it means", "Why it matters", "Fix safety"):
        if heading not in sections:
            continue
        paragraphs = sections[heading].split("\n\n")
        assert 1 <= len(paragraphs) <= 3
        for paragraph in paragraphs:
            assert "\n" not in paragraph
            assert paragraph.isascii()
            assert re.match(r"[A-Z`]", paragraph)
            assert paragraph.endswith(".")
            assert not re.search(r"\b[Yy]ou", paragraph)


@pytest.mark.parametrize("code", CODES)
def test_examples_are_examples(code: str) -> None:
    """Both sections with examples consist of fenced blocks and nothing else."""
    sections = _sections(code)
    kinds = {"Example": "cell wrong", "Use instead": "cell right"}
    for heading, kind in kinds.items():
        languages = re.findall(r"^```(\w.*)$", sections[heading], re.M)
        assert languages
        assert not re.sub(r"^```\w.*?^```$", "", sections[heading], flags=re.M | re.S).strip()
        if code in IN_A_TEXT:
            assert set(languages) == {kind}
        else:
            assert set(languages) <= {"sh", "python"}


@pytest.mark.parametrize("code", CODES)
def test_fix_safety(code: str) -> None:
    """Whether the fix is safe is said exactly where the wrong text gets a fix."""
    found = [
        finding
        for text in _blocks(code, "cell wrong")
        for finding in analyse(Source("wrong.cell", text)).diagnostics
    ]
    said = _sections(code).get("Fix safety", "")
    assert any(finding.fixes for finding in found) == bool(said)
    assert not said or "safe" in said


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
        assert formatted_text(parse(source)) == text


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
