"""Reports: what people and machines read about findings."""

import json
import re
import sys
import unicodedata
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.errors import CODES, Diagnostic, Fix, Label, Source, Span
from nasdsl.report import as_github, as_json, as_sarif, as_text
from nasdsl.report.visible import visible, visible_source

TEXT = """\
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
    b1 = (h[i], h[i],   avg_pool_3x3, b0, add);
    b0 = (h[i], h[i],   avg_pool_3x3, identity, add)
}
"""
SOURCE = Source("tiny.cell", TEXT)


def place(text: str, nth: int = 0, source: str = TEXT) -> Span:
    """The span of the nth occurrence of `text`."""
    at = -1
    for _ in range(nth + 1):
        at = source.index(text, at + 1)
    return Span(at, at + len(text))


UNKNOWN = Diagnostic(
    "NAS201",
    "unknown op `sep_con_3x3`",
    SOURCE,
    place("sep_con_3x3"),
    label="not an op of the vocabulary `nasnet`",
    hints=("did you mean `sep_conv_3x3`?",),
    fixes=(Fix(place("sep_con_3x3"), "sep_conv_3x3", "write `sep_conv_3x3`"),),
)
TAKEN = Diagnostic(
    "NAS206",
    "the name `b0` is taken",
    SOURCE,
    place("b0", 2),
    label="defined again here",
    secondary=(Label(place("b0"), "`b0` is first defined here"),),
    hints=("every block of a cell needs a different name",),
)
WARNING = Diagnostic("NAS307", "block `b1` reaches no output", SOURCE, place("b1"))


def body(finding: Diagnostic, **options: object) -> str:
    """The report of one finding without the summary."""
    return as_text([finding], **options).rpartition("\n\n")[0]  # type: ignore[arg-type]


# -- for people --------------------------------------------------------------------------


def test_nothing_to_say() -> None:
    """No findings give no text at all."""
    assert as_text([]) == ""


def test_span_label_and_fix() -> None:
    """A hint that a fix shows becomes the fix's title."""
    expected = """\
error[NAS201]: unknown op `sep_con_3x3`
 --> tiny.cell:5:25
  |
5 |     b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
  |                         ^^^^^^^^^^^ not an op of the vocabulary `nasnet`
help: did you mean `sep_conv_3x3`?
  |
5 |     b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
  |                         ~~~~~~~~~~~~"""
    assert expected == body(UNKNOWN)


def test_secondary_span_and_hint() -> None:
    """Labels come in the order of their lines; one line between two is shown."""
    expected = """\
error[NAS206]: the name `b0` is taken
 --> tiny.cell:7:5
  |
5 |     b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
  |     -- `b0` is first defined here
6 |     b1 = (h[i], h[i],   avg_pool_3x3, b0, add);
7 |     b0 = (h[i], h[i],   avg_pool_3x3, identity, add)
  |     ^^ defined again here
  |
  = help: every block of a cell needs a different name"""
    assert expected == body(TAKEN)


def test_distant_lines() -> None:
    """More than one line between two is left out; numbers are right-aligned."""
    text = "a\n" + "\n" * 10 + "b\n"
    source = Source("x", text)
    finding = Diagnostic(
        "NAS101", "m", source, place("b", 0, text), secondary=(Label(Span(0, 1), "l"),)
    )
    expected = """\
error[NAS101]: m
  --> x:12:1
   |
 1 | a
   | - l
...
12 | b
   | ^"""
    assert expected == body(finding)


def test_labels_on_one_line() -> None:
    """The rightmost label stands beside its caret; the others hang below theirs."""
    finding = Diagnostic(
        "NAS308",
        "m",
        SOURCE,
        place("add"),
        label="needs one shape",
        secondary=(Label(place("sep_con_3x3"), "F here"), Label(place("identity"), "2F here")),
    )
    expected = """\
error[NAS308]: m
 --> tiny.cell:5:48
  |
5 |     b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
  |                         -----------  --------  ^^^ needs one shape
  |                         |            |
  |                         |            2F here
  |                         F here"""
    assert expected == body(finding)


def test_overlapping_labels() -> None:
    """Where spans overlap the finding's own carets win, and no label is lost."""
    finding = Diagnostic(
        "NAS308",
        "m",
        SOURCE,
        place("h[i], h[i-1]"),
        label="both",
        secondary=(Label(place("h[i]"), "one"), Label(place("h[i-1]"), "other")),
    )
    expected = """\
error[NAS308]: m
 --> tiny.cell:5:11
  |
5 |     b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
  |           ^^^^^^^^^^^^
  |           |     |
  |           |     other
  |           one
  |           both"""
    assert expected == body(finding)


def test_span_of_several_lines() -> None:
    """A span of several lines hangs from a bar; its middle is left out."""
    finding = Diagnostic("NAS302", "m", SOURCE, Span(TEXT.index("cell"), len(TEXT)), label="all")
    expected = """\
error[NAS302]: m
 --> tiny.cell:4:1
  |
4 | / cell normal {
5 | |     b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
6 | |     b1 = (h[i], h[i],   avg_pool_3x3, b0, add);
7 | |     b0 = (h[i], h[i],   avg_pool_3x3, identity, add)
8 | | }
  | |_^ all"""
    assert expected == body(finding)


def test_nested_spans_of_several_lines() -> None:
    """Every such span has a bar of its own, whether or not it begins its line."""
    inner = place("h[i], h[i-1]").to(place("b1"))
    finding = Diagnostic(
        "NAS302",
        "m",
        SOURCE,
        Span(TEXT.index("cell"), len(TEXT)),
        label="all",
        secondary=(Label(inner, "part"),),
    )
    expected = """\
error[NAS302]: m
 --> tiny.cell:4:1
  |
4 | /   cell normal {
5 | |       b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
  | |  ___________-
6 | | |     b1 = (h[i], h[i],   avg_pool_3x3, b0, add);
  | | |______- part
7 | |       b0 = (h[i], h[i],   avg_pool_3x3, identity, add)
8 | |   }
  | |___^ all"""
    assert expected == body(finding)


def test_empty_span_at_the_end() -> None:
    """An empty span has one caret, at the end of the file too."""
    finding = Diagnostic("NAS103", "m", SOURCE, Span(len(TEXT), len(TEXT)), label="here")
    expected = """\
error[NAS103]: m
 --> tiny.cell:9:1
  |
9 |
  | ^ here"""
    assert expected == body(finding)


def test_empty_source() -> None:
    """A file without a character has a place too."""
    assert body(Diagnostic("NAS313", "m", Source("e", ""), Span(0, 0))).endswith("1 |\n  | ^")


def test_without_a_place() -> None:
    """A finding about no text has a message and hints."""
    finding = Diagnostic("NAS001", "no file", hints=("look again",))
    assert body(finding) == "error[NAS001]: no file\n  = help: look again"


def test_source_without_a_span() -> None:
    """A finding about a whole file names it."""
    finding = Diagnostic("NAS313", "no cells", SOURCE, hints=("add one",))
    assert body(finding) == "error[NAS313]: no cells\n --> tiny.cell\n  = help: add one"


def test_removal() -> None:
    """A fix that only removes shows both lines."""
    finding = Diagnostic(
        "NAS104", "m", SOURCE, place(";"), fixes=(Fix(place(";"), "", "remove it"),)
    )
    expected = """\
help: remove it
  |
6 -     b1 = (h[i], h[i],   avg_pool_3x3, b0, add);
6 +     b1 = (h[i], h[i],   avg_pool_3x3, b0, add)"""
    assert body(finding).endswith(expected)


def test_insertion_of_a_line() -> None:
    """What a fix puts in is marked with `+`, on a new line too."""
    end = Span(TEXT.rindex("\n}"), TEXT.rindex("\n}"))
    finding = Diagnostic("NAS103", "m", SOURCE, end, fixes=(Fix(end, "\n}", "put in `}`"),))
    expected = """\
help: put in `}`
  |
7 |     b0 = (h[i], h[i],   avg_pool_3x3, identity, add)
8 | }
  | +"""
    assert body(finding).endswith(expected)


def test_odd_characters() -> None:
    """Tabs, wide letters, accents and controls do not move the carets."""
    text = "\tb0 = (日本, e\u0301\u0301, \x1b[2J\u202e, end)\r\n"
    finding = Diagnostic("NAS003", "m", Source("x", text), place("end", 0, text), label="ends")
    source, carets = body(finding).split("\n")[3:5]
    assert source == "1 |     b0 = (日本, e\u0301\u0301, \\x1b[2J\\u202e, end)"
    # Two wide letters take two columns more, two accents none.
    assert carets == "  | " + " " * (source.index("end") - 4 + 2 - 2) + "^^^ ends"


def test_long_line() -> None:
    """A long line is cut around its spans; spans far apart are shown one by one."""
    text = "x" * 300 + "BAD" + "y" * 300 + "WORSE" + "z" * 3
    finding = Diagnostic(
        "NAS201",
        "m",
        Source("long", text),
        place("BAD", 0, text),
        label="bad",
        secondary=(Label(place("WORSE", 0, text), "worse"),),
    )
    rows = body(finding, limit=80).split("\n")
    first, first_carets, second, second_carets = rows[3:7]
    assert all(len(row) <= 80 + 4 + 6 for row in rows)
    assert first.startswith("1 | ...x")
    assert first.endswith("y...")
    assert first.index("BAD") == first_carets.index("^^^ bad")
    assert second.startswith("1 | ...y")
    assert second.endswith("WORSEzzz")
    assert second.index("WORSE") == second_carets.index("----- worse")


def test_long_messages_are_cut() -> None:
    """A message that quotes a megabyte does not fill the terminal."""
    assert len(as_text([Diagnostic("NAS201", "x" * 1_000_000)])) < 2_000


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([UNKNOWN], "1 error; `nasdsl explain NAS201` says more"),
        ([WARNING], "1 warning; `nasdsl explain NAS307` says more"),
        ([WARNING, TAKEN, UNKNOWN], "2 errors and 1 warning; `nasdsl explain NAS206` says more"),
    ],
)
def test_summary(findings: list[Diagnostic], expected: str) -> None:
    """The last line counts and names the first error's code."""
    assert as_text(findings).endswith(f"\n\n{expected}\n")


def test_colour_only_when_asked() -> None:
    """Without its colours a coloured report is the plain one."""
    findings = [UNKNOWN, TAKEN, WARNING]
    coloured = as_text(findings, colour=True)
    assert "\x1b[1;31merror[NAS201]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == as_text(findings)


# -- for machines ------------------------------------------------------------------------


def test_json_object() -> None:
    """The promised object, to the key."""
    expected = {
        "version": 1,
        "errors": 1,
        "warnings": 0,
        "findings": [
            {
                "code": "NAS206",
                "title": "block name is taken",
                "severity": "error",
                "message": "the name `b0` is taken",
                "file": "tiny.cell",
                "range": {
                    "start": {"line": 7, "column": 5, "offset": 144},
                    "end": {"line": 7, "column": 7, "offset": 146},
                },
                "label": "defined again here",
                "labels": [
                    {
                        "range": {
                            "start": {"line": 5, "column": 5, "offset": 44},
                            "end": {"line": 5, "column": 7, "offset": 46},
                        },
                        "text": "`b0` is first defined here",
                    }
                ],
                "hints": ["every block of a cell needs a different name"],
                "fixes": [],
            }
        ],
    }
    finding = Diagnostic(
        TAKEN.code,
        TAKEN.message,
        SOURCE,
        place("b0", 2),
        TAKEN.label,
        TAKEN.secondary,
        TAKEN.hints,
    )
    assert expected == json.loads(as_json([finding]))


def test_json_fix_can_be_applied() -> None:
    """A script mends the text from the object alone."""
    (fix,) = json.loads(as_json([UNKNOWN]))["findings"][0]["fixes"]
    start, end = fix["range"]["start"]["offset"], fix["range"]["end"]["offset"]
    mended = TEXT[:start] + fix["replacement"] + TEXT[end:]
    assert mended == TEXT.replace("sep_con_3x3", "sep_conv_3x3")


def test_json_without_a_place() -> None:
    """What is not known is null."""
    (finding,) = json.loads(as_json([Diagnostic("NAS001", "m")]))["findings"]
    assert (finding["file"], finding["range"]) == (None, None)


def test_github_command() -> None:
    """One line a finding, with inclusive columns."""
    assert as_github([UNKNOWN, WARNING]) == (
        "::error file=tiny.cell,line=5,endLine=5,col=25,endColumn=35,title=NAS201%3A unknown op"
        "::unknown op `sep_con_3x3` (not an op of the vocabulary `nasnet`)"
        "%0Ahelp: did you mean `sep_conv_3x3`?\n"
        "::warning file=tiny.cell,line=6,endLine=6,col=5,endColumn=6,"
        "title=NAS307%3A block reaches no output::block `b1` reaches no output\n"
    )


def test_github_escapes() -> None:
    """Nothing in a name or a message ends a property, a command or a line."""
    source = Source("50%,a:b\n::error::x", "abc\nd")
    finding = Diagnostic("NAS101", "100% \r\n::stop-commands::x", source, Span(0, 5))
    assert as_github([finding]) == (
        "::error file=50%25%2Ca%3Ab\\n%3A%3Aerror%3A%3Ax,line=1,endLine=2,"
        "title=NAS101%3A unexpected text::100%25 \\r\\n::stop-commands::x\n"
    )


def test_sarif_log() -> None:
    """The parts scanners rely on: rules, levels, regions, related places, fixes."""
    log = json.loads(as_sarif([UNKNOWN, TAKEN, WARNING], "1.2.3"))
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"], driver["version"]) == ("2.1.0", "nasdsl", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["NAS201", "NAS206", "NAS307"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("NAS201", "error"),
        ("NAS206", "error"),
        ("NAS307", "warning"),
    ]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    unknown, taken, _ = run["results"]
    region = unknown["locations"][0]["physicalLocation"]["region"]
    assert region == {
        "startLine": 5,
        "startColumn": 25,
        "endLine": 5,
        "endColumn": 36,
        "charOffset": 64,
        "charLength": 11,
    }
    (change,) = unknown["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"] == {"uri": "tiny.cell"}
    assert change["replacements"] == [
        {"deletedRegion": region, "insertedContent": {"text": "sep_conv_3x3"}}
    ]
    (related,) = taken["relatedLocations"]
    assert related["message"]["text"] == "`b0` is first defined here"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b/ü.cell", "a%20b/%C3%BC.cell"),
        ("/cells/a%.cell", "file:///cells/a%25.cell"),
        ("http://x/a.cell", "http%3A//x/a.cell"),
        ("C:\\cells\\a.cell", "file:///C:/cells/a.cell"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_sarif_names(name: str, uri: str) -> None:
    """A file's name is a URI that no reader takes for another scheme."""
    log = json.loads(as_sarif([Diagnostic("NAS101", "m", Source(name, "x"), Span(0, 1))]))
    location = log["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": uri}


def test_sarif_names_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, a backslash stands between folders, in relative names too."""
    finding = Diagnostic("NAS101", "m", Source("cells\\a b.cell", "x"), Span(0, 1))
    assert '"uri": "cells%5Ca%20b.cell"' in as_sarif([finding])
    monkeypatch.setattr("nasdsl.report.machine.os", SimpleNamespace(sep="\\"))
    assert '"uri": "cells/a%20b.cell"' in as_sarif([finding])


def test_sarif_messages_are_plain() -> None:
    """No text of a finding becomes a link or a placeholder in a viewer."""
    log = json.loads(as_sarif([Diagnostic("NAS101", "[x](https://evil) {0} {a | b} h[i-1]")]))
    message = log["runs"][0]["results"][0]["message"]["text"]
    assert message == "[x] (https://evil) {{0}} {a | b} h[i-1]"


# -- whatever the text ---------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from("\n\t\r ab日`"), max_size=80)


@st.composite
def any_findings(draw: st.DrawFn) -> list[Diagnostic]:
    """Findings of any text at any places with any words."""
    source = Source(draw(TEXTS), draw(TEXTS))
    ends = st.integers(0, len(source.text))
    spans = st.tuples(ends, ends).map(lambda pair: Span(*sorted(pair)))
    labels = st.builds(Label, spans, TEXTS)
    fixes = st.builds(Fix, spans, TEXTS, TEXTS)
    finding = st.builds(
        Diagnostic,
        st.sampled_from(sorted(CODES)),
        TEXTS,
        st.just(source),
        st.none() | spans,
        TEXTS,
        st.lists(labels, max_size=3).map(tuple),
        st.lists(TEXTS, max_size=2).map(tuple),
        st.lists(fixes, max_size=2).map(tuple),
    )
    return draw(st.lists(finding, max_size=2))


@given(any_findings(), st.integers(40, 120))
def test_text_is_safe(findings: list[Diagnostic], limit: int) -> None:
    """Every line of a report is printable, so nothing can drive the terminal."""
    assert all(line.isprintable() for line in as_text(findings, limit=limit).split("\n"))


@given(any_findings())
def test_colour_changes_nothing_else(findings: list[Diagnostic]) -> None:
    """Colours are the only escapes of a coloured report."""
    coloured = as_text(findings, colour=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == as_text(findings)


@given(any_findings())
def test_machine_formats_are_safe(findings: list[Diagnostic]) -> None:
    """JSON parses and keeps every message; GitHub's lines and SARIF's results are counted."""
    parsed = json.loads(as_json(findings))
    assert [f["message"] for f in parsed["findings"]] == [f.message for f in findings]
    lines = as_github(findings).split("\n")[:-1]
    assert len(lines) == len(findings)
    assert all(re.fullmatch(r"::(error|warning) [^\r\n]*", line) for line in lines)
    results = json.loads(as_sarif(findings))["runs"][0]["results"]
    assert len(results) == len(findings)


@given(st.text("ab \t日", min_size=1, max_size=30), st.data())
def test_carets_stand_under_their_span(line: str, data: st.DataObject) -> None:
    """Column by column, carets stand under exactly the characters of the span."""
    start = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(start + 1, len(line)))
    report = body(Diagnostic("NAS101", "m", Source("x", line), Span(start, end)))
    carets = report.split("\n")[4].removeprefix("  | ")
    widths = {"\t": 4, "日": 2}
    columns = [char for char in line for _ in range(widths.get(char, 1))]
    under = [i for i, char in enumerate(line) for _ in range(widths.get(char, 1))]
    expected = "".join("^" if start <= i < end else " " for i in under)
    assert len(columns) == len(under)
    assert carets == expected.rstrip()


@given(st.text(max_size=20))
def test_sarif_uri_round_trip(name: str) -> None:
    """A relative name comes back from its URI."""
    source = Source(f"cells/{name}", "")
    log = json.loads(as_sarif([Diagnostic("NAS313", "m", source, Span(0, 0))]))
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    parts = urlsplit(location["artifactLocation"]["uri"])
    assert (parts.scheme, parts.query, parts.fragment) == ("", "", "")
    assert unquote(parts.path, errors="surrogatepass") == source.name


def test_nothing_printed_is_unseen() -> None:
    """Whatever the character: what is printed of it is one line that a reader can see."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        shown = visible(character)
        assert shown.isprintable()
        assert shown == character or shown.isascii()
        category = unicodedata.category(character)
        if category[0] == "C" or category in ("Zl", "Zp"):
            assert shown.startswith("\\")


@pytest.mark.parametrize("filler", "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
def test_fillers_are_written_out(filler: str) -> None:
    """Letters that look like nothing would make two names look like one."""
    assert visible(f"a{filler}b") == f"a\\u{ord(filler):04x}b"


def test_a_tab_of_a_source_line_is_four_spaces() -> None:
    assert visible_source("\ta\x1b[31m\t") == "    a\\x1b[31m    "
    assert visible("\ta") == "\\ta"
