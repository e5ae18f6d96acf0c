"""The parser: sound texts, repaired texts, and what is said about them."""

import pytest

from nasdsl.errors import CellError, Source
from nasdsl.language import tree
from nasdsl.language.parser import MAX_BYTES, Parsed, parse, read_file, source_from_bytes
from nasdsl.loading import analyse


def parsed(text: str) -> Parsed:
    return parse(Source("x.cell", text))


def found(text: str) -> list[tuple[str, str]]:
    """The code and the text under the caret of each finding."""
    return [
        (finding.code, text[slice(*finding.span)] if finding.span else "")
        for finding in parsed(text).diagnostics
    ]


def test_a_sound_text_becomes_a_tree_with_spans() -> None:
    """Every node says where it stands, brackets included."""
    text = "cell normal { b0 = (h[i], ?, {a | b}, c, add)  output concat(b0) }"
    (cell,) = parsed(text).file.items
    assert isinstance(cell, tree.Cell)
    block, output = cell.statements
    assert isinstance(block, tree.Block)
    assert text[slice(*cell.span)] == text
    assert text[slice(*block.tuple.span)] == "(h[i], ?, {a | b}, c, add)"
    assert [type(field).__name__ for field in block.tuple.fields] == [
        "State", "Hole", "Choice", "Word", "Word",
    ]  # fmt: skip
    assert text[slice(*output.span)] == "output concat(b0)"


def test_words_of_the_language_are_names_where_only_a_name_can_stand() -> None:
    """The contextual lexer lets an op be called `each`, and so does recovery."""
    text = "cell normal { b0 = (h[i], h[i], each, op, cell) }"
    assert found(text) == []
    assert found(text + " )") == [("NAS101", ")")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cell normal { b0 = (h[i] h[i]) }", [("NAS102", "")]),
        ("cell normal { b0 (h[i], h[i]) }", [("NAS102", "")]),
        ("cell normal { b0 = h[i], h[i]) }", [("NAS102", "")]),
        ("cell normal b0 = (h[i]) }", [("NAS102", "")]),
        ("cell normal { 5 (?, ?) }", [("NAS102", "")]),
        ("cell normal { b0 = (h[i], h[i]] }", [("NAS102", "]")]),
        ("cell normal { b0 = (h[i], h[i]", [("NAS103", "(")]),
        ("cell normal {\n b0 = (h[i], h[i]\n b1 = (h[i])\n}", [("NAS103", "(")]),
        ("cell normal {\n b0 = (h[i])\ncell reduction {}", [("NAS103", "{")]),
        ("cel normal { b0 = (h[i]) }", [("NAS101", "cel")]),
        ("cell normal { b0 = (h[i], , a) }", [("NAS101", ",")]),
        ("cell normal { b0 = (h[i], 3x3, a) }", [("NAS101", "3x3")]),
        ("cell { b0 = (h[i]) }", [("NAS101", "cell")]),
        ("b0 = (h[i])", [("NAS101", "b0")]),
        ("genotype\nops nasnet", [("NAS101", "genotype")]),
        ("cell normal { b0 = ('a') }", [("NAS104", "'a'")]),
        ("cell normal { b0 : (h[i]) }", [("NAS104", ":")]),
        ("cell normal { b0 = (h[i]); }", [("NAS104", ";")]),
        ("genotype a // a comment", [("NAS104", "//")]),
    ],
)
def test_each_mistake_is_reported_once_at_its_place(
    text: str, expected: list[tuple[str, str]]
) -> None:
    """The code and the place of each kind of repair."""
    assert found(text) == expected


@pytest.mark.parametrize(
    ("line", "most"),
    [
        ("a = (h[i], h[i], b, c, add),", 1),
        ("(h[i], h[i], b, c, add)", 1),
        ("a = (h(i), h[i], b, c, add)", 1),
        ("a = (h[i], h[i], conv(3x3), c, add)", 1),
        ("a = (h[i], h[i], [b, c], c, add)", 1),
        ("a = (h[i], h[i], b | c, c, add)", 1),
        ("a = (h[i], h[i], {b, c}, c, add)", 1),
        ("a = (h[i], h[i], sep-conv-3x3, c, add)", 1),
        ("a = [h[i], h[i], b, c, add]", 2),
        ("a = 5 * (h[i], h[i], b, c, add)", 1),
        ("outputs concat(a)", 1),
        ("return concat(a)", 1),
        ("output a", 1),
        ("a = Block(h[i], h[i], b, c, add)", 2),
    ],
)
def test_one_slip_is_not_many_findings(line: str, most: int) -> None:
    """What follows from a mistake is not reported as another, and the next line is read."""
    text = (
        f"cell normal {{\n    {line}\n    z = (h[i], h[i], b, c, add)\n}}\ncell reduction {{\n}}\n"
    )
    assert 1 <= len(found(text)) <= most
    normal, reduction = parsed(text).file.items
    assert isinstance(normal, tree.Cell)
    assert isinstance(reduction, tree.Cell)
    last = normal.statements[-1]
    assert isinstance(last, tree.Block)
    assert last.name.text == "z"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DARTS = Genotype(normal=[('sep_conv_3x3', 0)], normal_concat=[2])", "DARTS"),
        ('{"a": [1, 2], "b": {}}', "JSON"),
        ("---\nname: x\n", "YAML"),
        ("import torch\nclass A:\n  x = 1\n", "Python"),
        ("<html><body></body></html>", "HTML"),
    ],
)
def test_files_of_other_kinds_get_one_answer(text: str, kind: str) -> None:
    """Not one for each of their quotes and brackets."""
    (finding,) = parsed(text).diagnostics
    assert finding.message.startswith("this looks like")
    assert kind in finding.message


def test_all_mistakes_of_a_file_are_reported_in_one_run() -> None:
    """Three mistakes in three statements give three findings, and the rest is read."""
    text = (
        "cell normal {\n b0 = (h[i], h[i] a, b, add)\n b1 = (h[i], h[i], a, b, add\n"
        " b2 = (h[i], h[i], a, b, add)]\n output unused\n}\n"
    )
    assert [code for code, _ in found(text)] == ["NAS102", "NAS103", "NAS101"]
    (cell,) = parsed(text).file.items
    assert isinstance(cell, tree.Cell)
    assert [type(s).__name__ for s in cell.statements] == ["Block", "Block", "Block", "Output"]


def test_punctuation_fixes_make_the_text_sound() -> None:
    """Applying every fix of a text leaves nothing to report."""
    text = "cell normal {\n b0 = (h[i], h[i] a, b, add\n b1 (h[i], h[i], a, b, add)\n"
    fixes = [fix for finding in parsed(text).diagnostics for fix in finding.fixes]
    for fix in sorted(fixes, key=lambda fix: fix.span, reverse=True):
        text = text[: fix.span.start] + fix.replacement + text[fix.span.end :]
    assert found(text) == []


def test_a_hopeless_text_stops_after_fifty_mistakes() -> None:
    """The number of findings is bounded, and the last says so."""
    codes = [code for code, _ in found("cell normal { b0 = (]) }\n" * 500)]
    assert codes[-1] == "NAS107" or "NAS107" in codes
    assert len(codes) <= 51


@pytest.mark.parametrize("char", ["\0", "\x1b", "\x7f", "\u202e", "\u200b"])
def test_control_characters_are_named(char: str) -> None:
    """What cannot be seen is said by name, and the rest of the text is read."""
    text = f"genotype a{char}\nops nasnet"
    assert found(text) == [("NAS003", char)]
    assert len(parsed(text).file.items) == 2


def test_look_alike_letters_are_pointed_out() -> None:
    """A Cyrillic `е` in `identity` is named, with the ASCII spelling as the fix."""
    (finding,) = parsed("genotype idеntity").diagnostics
    assert finding.code == "NAS005"
    assert "CYRILLIC" in finding.message
    assert finding.fixes[0].replacement == "identity"


def test_comments_may_hold_any_script() -> None:
    """Only names are ASCII."""
    text = "# Zelle für Wörter: ячейка\ngenotype a  # é\n"
    assert found(text) == []
    assert [c.text for c in parsed(text).file.comments] == ["# Zelle für Wörter: ячейка", "# é"]


def test_bytes_that_are_not_utf8_are_located() -> None:
    """The finding points at the first bad byte."""
    with pytest.raises(CellError) as caught:
        source_from_bytes(b"genotype a\nops \xff\n", "x")
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.place) == ("NAS002", "x:2:5")


def test_a_byte_order_mark_is_dropped_and_utf16_is_named() -> None:
    """Windows editors write both."""
    assert source_from_bytes(b"\xef\xbb\xbfgenotype a", "x").text == "genotype a"
    with pytest.raises(CellError, match="UTF-16"):
        source_from_bytes("genotype a".encode("utf-16"), "x")


def test_a_file_over_the_limit_is_refused(tmp_path) -> None:
    """At most the limit and one byte are read."""
    path = tmp_path / "large.cell"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(CellError, match="larger than 4 MiB"):
        read_file(path)


def test_a_folder_or_a_missing_file_is_refused(tmp_path) -> None:
    """The reason is the system's."""
    for path in (tmp_path, tmp_path / "none.cell"):
        with pytest.raises(CellError) as caught:
            read_file(path)
        assert caught.value.diagnostics[0].code == "NAS001"


def test_windows_line_endings_are_white_space() -> None:
    """CRLF changes nothing but the places."""
    assert found("genotype a\r\nops nasnet\r\n") == []


#: Of a text whose only mistake is at the top of a file: words of what is said, and what its fix
#: makes of it.
CELL = "cell normal { b0 = (h[i], h[i], identity, identity, add) }\n"
AT_THE_TOP = {
    "space s\n": ("a space is a genotype in which fields are open", "genotype s\n"),
    "search space s\n": ("a space is a genotype in which fields are open", None),
    "N = 3\n": ("settings of the network stand inside `network { ... }`", None),
    "skeleton darts\n": ("settings of the network stand inside `network { ... }`", None),
    "b0 = (h[i], h[i], identity, identity, add)\n": ("stand inside `cell normal { ... }`", None),
    "5 * (?, ?, ?, ?, ?)\n": ("stand inside `cell normal { ... }`", None),
    "output concat(b0)\n": ("stand inside `cell normal { ... }`", None),
    "normal {\n}\n": ("`cell` is missing before `normal`", "cell normal {\n}\n"),
    "name x\n": ("did you mean `genotype`?", None),
    "import x\n": ("did you mean `ops`?", None),
    "hello\n": ("a file has `genotype NAME`, `ops NAME`, cells", None),
    "macro x {\n  N = 1\n  { a }\n}\n": ("did you mean `network`?", None),
    "genotype\nops nasnet\n": ("the name of the genotype is missing", None),
    "genotype": ("the name of the genotype is missing", None),
    "ops {\n}\n": ("the name of a vocabulary is missing", None),
    f"ops\n{CELL}": ("the name of a vocabulary is missing", None),
    "op\n": ("the name of the op is missing", None),
    "combine\n": ("the name of the combine is missing", None),
    "combine add\n": ("expected `=`, found the end of the file", None),
    CELL.replace(" normal", ""): ("the kind of the cell is missing", None),
    "cell normal\n": ("expected `{`, found the end of the file", None),
    CELL.replace("normal", "normal big"): ("a cell has no name but its kind", CELL),
    "network n { N = 1 }\n": ("`network` has no name", "network { N = 1 }\n"),
    "genotype = x\n": ("`=` does not belong after `genotype`", "genotype x\n"),
    "genotype a b\n": ("words of a name are joined with `_`", "genotype a_b\n"),
    "ops nasnet darts\n": ("a file names one vocabulary", None),
}


def test_a_semicolon_between_fields_is_a_comma() -> None:
    """Elsewhere it ends a statement, and is removed."""
    text = "ops nasnet\ncell normal { b0 = (h[i]; h[i], identity; identity, add); }\n"
    found = parsed(text).diagnostics
    assert [each.fixes[0].replacement for each in found] == [",", ",", ""]
    assert all(each.fixes[0].safe for each in found)


@pytest.mark.parametrize("text", AT_THE_TOP)
def test_mistakes_at_the_top_of_a_file(text: str) -> None:
    """Each is one finding of syntax, which says what to write; later stages add nothing to it."""
    findings = analyse(Source("x.cell", text)).diagnostics
    words, mended = AT_THE_TOP[text]
    (finding,) = (each for each in findings if each.code == "NAS101")
    assert words in " ".join((finding.message, finding.label, *finding.hints))
    fixes = [(*fix.span, fix.replacement) for fix in finding.fixes]
    made = [text[:start] + replacement + text[end:] for start, end, replacement in fixes]
    assert made == ([] if mended is None else [mended])
    assert {each.code for each in findings} <= {"NAS101", "NAS313", "NAS203", "NAS209", "NAS302"}
    assert not any("``" in each.message for each in findings)
