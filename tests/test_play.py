"""The playground without a browser: answers to its page, and links."""

import base64
import json
import subprocess
import sys
import zlib
from typing import Any

import pytest

import nasdsl
from nasdsl import library
from nasdsl.play.answers import LONGEST, Session
from nasdsl.play.link import fragment, text_of
from nasdsl.play.offsets import Offsets
from nasdsl.play.views import VIEWS

NASNET_A = library.source("nasnet_a").text
SPACE = library.source("nasnet_space").text
BROKEN = """\
genotype x
ops nasnet
cell normal {
    b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
    b1 = (h[i], b0 avg_pool_3x3, identity, add)
}
"""

Ask = Any


@pytest.fixture
def ask() -> Ask:
    """`ask("check", text)`: the answer of one session."""
    session = Session()

    def answered(kind: str, text: str, **more: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            session.answer(json.dumps({"ask": kind, "text": text, **more}))
        )
        return found

    return answered


def view(ask: Ask, tab: str, text: str = NASNET_A, **options: object) -> dict[str, Any]:
    found: dict[str, Any] = ask("view", text, tab=tab, options=options)
    return found


# -- texts -------------------------------------------------------------------------------


def test_a_sound_text(ask: Ask) -> None:
    answer = ask("check", NASNET_A)
    assert (answer["kind"], answer["name"], answer["findings"]) == ("genotype", "nasnet_a", [])
    blocks = {each["box"]: NASNET_A[each["from"] : each["to"]] for each in answer["blocks"]}
    assert len(blocks) == 10
    assert blocks["reduction.b3"].startswith("b3 = (b1,")
    assert blocks["reduction.b3"].endswith("add")
    svg = view(ask, "cells")["cells"][0]["svg"]
    assert all(f'data-box="{box}"' in svg for box in blocks)


def test_kinds(ask: Ask) -> None:
    texts = {
        "genotype": NASNET_A,
        "space": SPACE,
        "vocabulary": library.vocabulary_source("nasnet").text,
        "broken": BROKEN,
    }
    assert {kind: ask("check", text)["kind"] for kind, text in texts.items()} == dict(
        zip(texts, texts, strict=True)
    )


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """A text after edits whose offsets count UTF-16 units."""
    units = text.encode("utf-16-le")
    for edit in sorted(edits, key=lambda each: -each["from"]):
        insert = edit["insert"].encode("utf-16-le")
        units = units[: 2 * edit["from"]] + insert + units[2 * edit["to"] :]
    return units.decode("utf-16-le")


@pytest.mark.parametrize("before", ["", "# \U0001f9e0 \U0001f4a1 é\n"])
def test_findings_and_fixes(ask: Ask, before: str) -> None:
    """Places are right where characters before them take two units."""
    text = before + BROKEN
    found = ask("check", text)["findings"]
    assert [each["code"] for each in found] == ["NAS201", "NAS102"]
    units = text.encode("utf-16-le")
    assert units[2 * found[0]["from"] : 2 * found[0]["to"]].decode("utf-16-le") == "sep_con_3x3"
    fixed = applied(text, [each["fixes"][0] for each in found])
    assert ask("check", fixed)["findings"] == []
    assert "sep_conv_3x3, identity" in fixed
    assert applied(text, ask("check", text)["safe"]) == text.replace("b0 avg", "b0, avg")


def test_completion_hover_format_and_explanation(ask: Ask) -> None:
    at = NASNET_A.index("sep_conv_5x5") + 4
    items = ask("complete", NASNET_A, at=at)["items"]
    assert {"label": "sep_conv_7x7", "from": at - 4, "to": at}.items() <= next(
        item for item in items if item["label"] == "sep_conv_7x7"
    ).items()
    assert "block `b2`" in ask("hover", NASNET_A, at=NASNET_A.index("b2"))["markdown"]
    assert ask("hover", NASNET_A, at=0) == {}
    untidy = NASNET_A.replace("b0 = ", "b0    =")
    assert applied(untidy, ask("format", untidy)["edits"]) == NASNET_A
    assert "What it means" in ask("explain", "", code="NAS201")["markdown"]


def test_a_long_text_is_refused_and_the_next_is_read(ask: Ask) -> None:
    (problem,) = ask("check", "#" * (LONGEST + 1))["problem"]
    assert problem["code"] == "NAS004"
    assert ask("check", NASNET_A)["kind"] == "genotype"


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "cell", "?" * 2000, "{" * 2000, "é\U0001f9e0("]
)
def test_no_text_is_too_odd(ask: Ask, text: str) -> None:
    """Each question has an answer, or findings that say why there is none."""
    assert ask("check", text)["kind"] in ("broken", "vocabulary")
    for at in (0, 1, 10**9):
        ask("complete", text, at=at)
        ask("hover", text, at=at)
    for tab in VIEWS:
        assert view(ask, tab, text)["problem"]


@pytest.mark.parametrize("text", ["", "abc", "a\U0001f9e0b\U0001f4a1\U0001f4a1c"])
def test_offsets(text: str) -> None:
    offsets = Offsets(text)
    for at in range(len(text) + 1):
        units = len(text[:at].encode("utf-16-le")) // 2
        assert offsets.outward(at) == units
        assert offsets.inward(units) == at
    assert offsets.inward(10**9) == len(text)


# -- tabs --------------------------------------------------------------------------------


def test_cost_is_that_of_the_command(ask: Ask) -> None:
    chosen = {"N": 4, "filters": 1056, "image_size": 224}
    answer = view(ask, "cost", settings=chosen)
    expected = nasdsl.cost("nasnet_a", **chosen)
    assert answer["params"] == expected.params
    assert answer["mult_adds"] == expected.mult_adds
    for table in ("modules", "parts"):
        assert sum(row["params"] for row in answer[table]) == expected.params
        assert sum(row["mult_adds"] for row in answer[table]) == expected.mult_adds
    assert answer["settings"] == {
        "skeleton": "nasnet",
        "stem": "imagenet",
        "classes": 1000,
        **chosen,
    }


def test_a_network_that_cannot_be_says_why(ask: Ask) -> None:
    (problem,) = view(ask, "cost", settings={"filters": 1057})["problem"]
    assert problem["code"] == "NAS503"
    assert view(ask, "network", settings={"N": 10**9})["problem"][0]["code"] == "NAS502"
    assert view(ask, "source", SPACE)["problem"][0]["code"] == "NAS310"


def test_settings_of_the_text_are_kept(ask: Ask) -> None:
    answer = view(ask, "cost", library.source("darts_v2_cifar").text)
    assert answer["params"] == 3_349_342  # as counted in the README
    assert answer["settings"]["skeleton"] == "darts"


def test_source_is_what_compile_writes(ask: Ask) -> None:
    answer = view(ask, "source", settings={"N": 1, "filters": 24, "stem": "cifar"})
    compile(answer["text"], answer["file"], "exec")
    assert "class Network" in answer["text"]
    assert "filters" in answer["text"]


def test_form(ask: Ask) -> None:
    genotype = nasdsl.load("nasnet_a")
    answer = view(ask, "form")
    assert answer["hash"] == nasdsl.canonical_hash(genotype)
    assert nasdsl.canonical_hash(nasdsl.loads(answer["text"])) == answer["hash"]
    assert answer["same"] == ["nasnet_a"]


def test_space(ask: Ask) -> None:
    answer = view(ask, "space", SPACE, seed=7)
    assert answer["digits"].replace(",", "") == str(nasdsl.count(nasdsl.load_space("nasnet_space")))
    drawn = nasdsl.sample(nasdsl.load_space("nasnet_space"), 6, 7)
    assert [each["text"] for each in answer["samples"]] == list(map(nasdsl.genotype_text, drawn))


@pytest.mark.parametrize("name", [name for name in library.names() if "space" in name])
def test_members_of_a_space_are_changed_within_it(ask: Ask, name: str) -> None:
    text, space = library.source(name).text, nasdsl.load_space(name)
    first = view(ask, "space", text)["samples"][0]
    second = view(ask, "mutated", text, of=first["text"], seed=5)
    assert nasdsl.contains(space, nasdsl.loads(second["text"]))
    assert second["sentences"]
    assert "<svg" in second["svg"]
    assert nasdsl.contains(space, nasdsl.loads(view(ask, "mutated", text)["text"]))
    assert view(ask, "mutated", text, of=NASNET_A)["problem"][0]["code"] == "NAS602"


@pytest.mark.parametrize(
    "name", [name for name in library.names() if library.base(name) is None and "space" not in name]
)
def test_every_genotype_has_a_space_of_its_shape(ask: Ask, name: str) -> None:
    text = library.source(name).text
    opened = nasdsl.loads_space(view(ask, "space", text)["opened"])
    genotype = nasdsl.load(name)
    assert nasdsl.contains(opened, genotype)
    changed = nasdsl.loads(view(ask, "mutated", text, seed=3)["text"])
    one_away = [
        (a, b)
        for left, right in zip(genotype.cells, changed.cells, strict=True)
        for one, other in zip(left.blocks, right.blocks, strict=True)
        for a, b in zip(one.fields, other.fields, strict=True)
        if a != b
    ]
    assert len(one_away) == 1


def test_comparison(ask: Ask) -> None:
    same = view(ask, "diff", other="nasnet_a")
    assert same["verdict"] == "Both are the same up to names and order."
    other = view(ask, "diff", other="nasnet_a_unused")
    assert other["sentences"]
    assert "<svg" in other["svg"]
    assert view(ask, "diff", other="nothing")["problem"][0]["code"] == "NAS213"


def test_cells_apart(ask: Ask) -> None:
    apart = view(ask, "cells", apart=True, theme="dark")["cells"]
    assert [each["kind"] for each in apart] == ["normal", "reduction"]
    assert "reduction.b0" not in apart[0]["svg"]
    (whole,) = view(ask, "cells")["cells"]
    assert whole["svg"] == view(ask, "drawing")["svg"]


def test_a_page_needs_neither_networkx_nor_pytorch() -> None:
    """What is imported has to be fetched by every page."""
    script = """
import json, sys
from nasdsl.play.answers import Session
from nasdsl.play.views import VIEWS
text = sys.stdin.read()
session = Session()
for word in ("check", "complete", "hover", "format"):
    session.answer(json.dumps({"ask": word, "text": text, "at": 40}))
for tab in VIEWS:
    assert "problem" not in session.answer(json.dumps({"ask": "view", "tab": tab, "text": text}))
heavy = {"networkx", "numpy", "torch", "click", "yaml", "graphviz", "psutil", "pygments"}
print(sorted(heavy & set(sys.modules)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], input=NASNET_A, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


# -- links -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", NASNET_A, "é \U0001f9e0 \0 &tab=cost#c="])
def test_links_carry_texts(text: str) -> None:
    carried = fragment(text)
    assert text_of(carried) == text
    assert set(carried.removeprefix("#c=")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


def test_broken_links_carry_nothing() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packed.compress(b"a" * 10**7) + packed.flush()
    hostile = [
        "",
        "#",
        "#c",
        "#c=%%%",
        "#c=AAAA",
        "#c=" + "A" * 1_000_001,
        "#c=" + base64.urlsafe_b64encode(bomb).decode().rstrip("="),
        "#c=" + base64.urlsafe_b64encode(b"<script>").decode(),
        fragment(NASNET_A)[:-8],
        "#d=" + fragment("x").removeprefix("#c="),
    ]
    assert [text_of(each) for each in hostile] == [None] * len(hostile)
