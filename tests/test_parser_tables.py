"""The parser's tables in a file are those of the grammar, and no others are used."""

import json
from pathlib import Path

import pytest

from nasdsl import library, resources
from nasdsl.errors import Source
from nasdsl.language.parser import grammar, parse, tables

LARK = resources.grammar().joinpath("cell.lark").read_text("utf-8")


def test_up_to_date() -> None:
    """The file is for this grammar; where it is for this lark too, it is what lark makes of it."""
    text = resources.grammar().joinpath("cell.json").read_text("utf-8")
    kind, version, digest = json.loads(text)["made_from"]
    wanted = tables.made_from(LARK)
    assert [kind, digest] == [wanted[0], wanted[2]], "see `nasdsl.language.parser.tables`"
    if version != wanted[1]:
        pytest.skip(f"the file is for lark {version}")
    parser = tables.read(LARK, None)
    assert parser is not None
    assert {rule.origin.name for rule in parser.rules} == {
        rule.origin.name for rule in grammar.built(LARK).rules
    }


def test_the_same_trees() -> None:
    """Whatever the library has is parsed alike with tables from the file and with new ones."""
    read = tables.read(LARK, grammar._TreeBuilder())
    if read is None:
        pytest.skip("the file is for another lark")
    built = grammar.built(LARK, grammar._TreeBuilder())
    for name in ("nasnet_a", "nasnet_space", "darts_v2_imagenet"):
        text = library.source(name).text
        assert read.parse(text) == built.parse(text)
    assert read.parse_interactive().accepts() == built.parse_interactive().accepts()


@pytest.mark.parametrize("change", ["another grammar", "another lark", "no file", "not a table"])
def test_tables_of_something_else(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not used: the grammar itself is what counts."""
    text = tables.written(LARK, grammar.built(LARK))
    monkeypatch.setattr(resources, "grammar", lambda: tmp_path)
    (tmp_path / "cell.lark").write_text(LARK)
    (tmp_path / "cell.json").write_text(text)
    assert tables.read(LARK, None) is not None
    if change == "no file":
        (tmp_path / "cell.json").unlink()
    if change == "not a table":
        (tmp_path / "cell.json").write_text("[]")
    if change == "another lark":
        monkeypatch.setattr(tables.lark, "__version__", "0.0")
    asked = f"{LARK}\n// changed" if change == "another grammar" else LARK
    assert tables.read(asked, None) is None
    grammar.lark_parser.cache_clear()
    try:
        found = parse(Source("a.cell", "genotype a\nops nasnet\n"))
    finally:
        grammar.lark_parser.cache_clear()
    assert found.diagnostics == ()
