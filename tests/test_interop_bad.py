"""Foreign texts with mistakes: a code, a place in the text, and never a traceback."""

# ruff: noqa: E501 (a mistake a line)

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from nasdsl import interop
from nasdsl.errors import CODES, Diagnostic, Source
from tests.test_interop import AMOEBANET, DARTS, ENAS, GDAS, NASBENCH101, NASBENCH201, SLIM

NNI = interop.write(nasdsl.load("darts_v2"), "nni").text
NASLIB = interop.write(nasdsl.load("darts_v2"), "naslib").text
JSON = interop.write(nasdsl.load("nasnet_a_mobile"), "json").text
YAML = interop.write(nasdsl.load("nasnet_a_mobile"), "yaml").text
TEXTS = {
    "darts": DARTS,
    "slim": SLIM,
    "amoebanet": AMOEBANET,
    "enas": ENAS,
    "nni": NNI,
    "naslib": NASLIB,
    "nasbench201": NASBENCH201,
    "nasbench101": NASBENCH101,
    "json": JSON,
    "yaml": YAML,
}

# What is wrong, the format, the text, the code, and the text at the finding's place.
WRONG = [
    ("an op DARTS lacks", "darts", GDAS.replace("dil_conv_5x5", "dil_conv_7x7"), "NAS652", "("),
    ("a state that is not there", "darts", GDAS.replace("('sep_conv_5x5', 4)", "('sep_conv_5x5', 9)"),
     "NAS653", "('sep_conv_5x5', 9)"),
    ("an edge too few", "darts", GDAS.replace("(('skip_connect', 0), ('skip_connect', 1))",
     "('skip_connect', 0)"), "NAS651", "["),
    ("cut short", "darts", GDAS[:200], "NAS651", ""),
    ("a field too many", "darts", GDAS.replace("reduce_concat", "reduce_konkat"), "NAS651",
     "reduce_konkat"),
    ("a call", "darts", GDAS.replace("[2, 3, 4, 5]", "make()", 1), "NAS651", "make()"),
    ("lists of two lengths", "slim", SLIM.replace("1, 1, 1, 0, 0]\n\n", "1, 1, 1, 0]\n\n"), "NAS651",
     "[0, 1, 1, 1, 0, 1, 1, 1, 0]"),
    ("flags of another length", "slim", SLIM.replace("[1, 0, 0, 0, 0, 0, 0]", "[1, 0]"), "NAS651",
     "[1, 0]"),
    ("a list too few", "slim", SLIM.replace("used_hiddenstates = [1, 0", "other = [1, 0"), "NAS651",
     "["),
    ("an op of AmoebaNet", "slim", SLIM.replace("'none'", "'1x1'"), "NAS652", "'1x1'"),
    ("an op out of range", "enas", ENAS.replace("0 2 0 0", "0 7 0 0"), "NAS652", "7"),
    ("a state out of range", "enas", ENAS.replace("0 2 0 0", "5 2 0 0"), "NAS653", "5"),
    ("an integer too few", "enas", "0 1 2 3 4 5 6", "NAS651", "0 1 2 3 4 5 6"),
    ("a decision missing", "nni", NNI.replace("normal/op_3_1", "normal/op_9_1"), "NAS651", ""),
    ("an older key", "nni", NNI.replace("normal/op_3_1", "normal_n2_p0"), "NAS651", ""),
    ("an edge too few", "naslib", NASLIB.replace("(0, 3), ", "", 1), "NAS651", "("),
    ("one cell", "naslib", "(((0, 1), (1, 2)),)", "NAS651", "(((0, 1), (1, 2)),)"),
    ("an unknown op", "nasbench201", NASBENCH201.replace("avg_pool_3x3", "avg_pool"), "NAS652",
     "avg_pool~1"),
    ("a later node", "nasbench201", NASBENCH201.replace("avg_pool_3x3~1", "avg_pool_3x3~2"), "NAS653",
     "avg_pool_3x3~2"),
    ("two nodes", "nasbench201", NASBENCH201.rpartition("+")[0], "NAS651", "|"),
    ("an edge back", "nasbench101", NASBENCH101.replace("[0, 0, 0, 0, 1, 0, 0]", "[0, 0, 1, 0, 1, 0, 0]"),
     "NAS653", "1"),
    ("a row too short", "nasbench101", NASBENCH101.replace("[0, 0, 0, 0, 1, 0, 0]", "[0, 0]"), "NAS651",
     "[0, 0]"),
    ("an unknown op", "nasbench101", NASBENCH101.replace("MAXPOOL3X3", "AVGPOOL"), "NAS652", "AVGPOOL"),
    ("another version", "json", JSON.replace('"nasdsl": 1', '"nasdsl": 2'), "NAS651", "2"),
    ("a member too many", "json", JSON.replace('"ops": "nasnet"', '"opps": "nasnet"'), "NAS651",
     '"nasnet"'),
    ("an op the vocabulary lacks", "json", JSON.replace("sep_conv_7x7", "sep_conv_9x9"), "NAS201", "{"),
    ("a setting it lacks", "json", JSON.replace('"dropout"', '"dropuot"'), "NAS501", ""),
    ("a line of its own", "json", JSON.replace('"b0"', '"b0\\nb9"'), "NAS651", ""),
    ("a tag", "yaml", YAML.replace("genotype: ", "genotype: !!python/object:os.system "), "NAS651", "!"),
    ("a tag of an object", "yaml", YAML.replace("cells:", "cells: !!python/object:os.x"), "NAS651", "!"),
    ("no YAML", "yaml", "nasdsl: 1\n  a: [", "NAS651", ""),
    ("nothing", "json", "{}", "NAS651", "{}"),
]  # fmt: skip


def findings(text: str, format: str | None) -> tuple[Diagnostic, ...]:
    """What reading a text says, whether it refuses it or not."""
    try:
        return interop.read(Source("foreign.txt", text), format).findings
    except nasdsl.CellError as error:
        return error.diagnostics


@pytest.mark.parametrize(("what", "format", "text", "code", "there"), WRONG)
def test_places(what: str, format: str, text: str, code: str, there: str) -> None:
    """The finding has its code and stands where the mistake is."""
    assert text != TEXTS.get(format)
    *_, found = findings(text, format)
    assert found.code == code, what
    assert found.source is not None
    assert found.span is not None
    assert found.source.text == text
    assert text[found.span.start : found.span.end].startswith(there)


@pytest.mark.parametrize("format", TEXTS)
def test_every_cut(format: str) -> None:
    """A text cut short anywhere is refused or read, and every finding lies inside it."""
    text = TEXTS[format]
    for end in range(0, len(text), max(len(text) // 60, 1)):
        _sound(text[:end], format)


def _sound(text: str, format: str | None) -> None:
    for found in findings(text, format):
        assert found.code in CODES
        if found.span is not None:
            assert 0 <= found.span.start <= found.span.end <= len(text)


@pytest.mark.parametrize("format", TEXTS)
@given(data=st.data())
def test_changed_characters(format: str, data: st.DataObject) -> None:
    """Characters replaced, removed and doubled: findings, never anything else."""
    text = TEXTS[format]
    rng = random.Random(data.draw(st.integers(0, 10_000)))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        new = rng.choice(["", text[at] * 2, *"[](){}'\",:|+~0129-\\\n\t#&*!é\0"])
        text = text[:at] + new + text[at + 1 :]
    _sound(text, format)
    _sound(text, None)


@given(text=st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Any text in any format."""
    for format in interop.FORMATS:
        _sound(text, format)


BOMB = (
    "nasdsl: 1\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
    "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
    "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
)


@pytest.mark.parametrize("format", interop.FORMATS)
def test_limits(format: str) -> None:
    """2,000 brackets, a megabyte of them, and a megabyte of anything: NAS656."""
    if format == "cell":
        pytest.skip("the language has limits of its own")
    for text in ("[" * 2_000, "([{" * 350_000, "x" * 1_000_001):
        assert [found.code for found in findings(text, format)] == ["NAS656"]


def test_aliases_cannot_multiply() -> None:
    """Aliases are written out up to a limit; one that holds itself is refused."""
    (found,) = findings(BOMB, "yaml")
    assert found.code == "NAS656"
    assert "aliases" in found.message
    (found,) = findings("&a [*a]", "yaml")
    assert found.code == "NAS656"


def test_indented_yaml_nests_too() -> None:
    """Depth without brackets counts as well."""
    text = "".join(f"{' ' * depth}a:\n" for depth in range(200))
    (found,) = findings(text, "yaml")
    assert found.code == "NAS656"


def test_nothing_is_executed(tmp_path: Path) -> None:
    """Python that would leave a file if it ran leaves none."""
    canary = tmp_path / "canary"
    statement = f"open({os.fspath(canary)!r}, 'w').close()"
    for format, text in TEXTS.items():
        for hostile in (f"{statement}\n{text}", text.replace("[", f"[{statement}, ", 1)):
            findings(hostile, format)
    assert not canary.exists()
    exec(statement)
    assert canary.exists(), "the statement does what the test fears"


def test_formats_are_asked_for() -> None:
    """Lists that could be slim's or AmoebaNet's, and texts of no format."""
    plain = SLIM.replace("NasNetA", "My").replace("NasNetABaseCell", "Base").replace("Nas", "")
    (found,) = findings(plain, None)
    assert (found.code, "`slim` and `amoebanet`" in found.message) == ("NAS650", True)
    (found,) = findings("hello", None)
    assert found.code == "NAS650"
    with pytest.raises(nasdsl.CellError, match="did you mean `darts`"):
        interop.read("x", "dart")


def test_names_are_asked_for() -> None:
    """Several genotypes in a file, and one that is not there."""
    held = interop.find(DARTS)
    for name, said in ((None, "3 genotypes"), ("darts_v3", "did you mean `DARTS_V")):
        with pytest.raises(nasdsl.CellError, match=said) as caught:
            held.choose(name)
        assert caught.value.diagnostics[0].code == "NAS657"


def test_dna_needs_its_space() -> None:
    """NAS658 without a space; numbers out of range are told in their place."""
    (found,) = findings("DNA([1, 2])", None)
    assert found.code == "NAS658"
    space = nasdsl.load_space("nasnet_space")
    text = f"DNA({[0] * 49 + [99]})"
    with pytest.raises(nasdsl.CellError) as caught:
        interop.read(text, space=space)
    (found,) = caught.value.diagnostics
    assert found.code == "NAS653"
    assert found.span is not None
    assert text[found.span.start : found.span.end] == "99"
