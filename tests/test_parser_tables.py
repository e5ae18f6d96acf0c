"""The parser's tables in files are those of the grammar, and no others are used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lark import UnexpectedInput

from nasdsl import library, resources
from nasdsl.errors import Source
from nasdsl.language.parser import grammar, machine, parse, tables
from tests.fuzz import fuzzed

LARK = resources.grammar().joinpath("cell.lark").read_text("utf-8")
CELL = resources.grammar().joinpath("cell.json")


def test_up_to_date() -> None:
    """The file is for this grammar; where it is for this lark too, it is what lark makes of it."""
    text = CELL.read_text("utf-8")
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
    read = tables.read(LARK, grammar.TREE_BUILDER)
    if read is None:
        pytest.skip("the file is for another lark")
    built = grammar.built(LARK, grammar.TREE_BUILDER)
    for name in ("nasnet_a", "nasnet_space", "darts_v2_imagenet"):
        text = library.source(name).text
        assert read.parse(text) == built.parse(text)
    assert read.parse_interactive().accepts() == built.parse_interactive().accepts()


# -- the machine ------------------------------------------------------------------------------


def test_the_machine_is_up_to_date() -> None:
    """Its file is what the installed lark makes of this grammar."""
    text = resources.grammar().joinpath("machine.json").read_text("utf-8")
    assert json.loads(text)["grammar"] == LARK, "see `nasdsl.language.parser.tables`"
    if json.loads(CELL.read_text("utf-8"))["made_from"] == tables.made_from(LARK):
        anew = tables.written_machine(LARK, grammar.built(LARK))
        assert _automaton(text) == _automaton(anew)


def _automaton(text: str) -> object:
    """What the tables do, whatever their states and rules are called."""
    data = json.loads(text)
    rules = [(name.lstrip("_").rstrip("0123456789"), *rest) for name, *rest in data["rules"]]
    return len(data["states"]), sorted(rules), data["kinds"], data["keywords"], data["ignored"]


def test_the_machine_gives_the_same_trees() -> None:
    """Of every text of the library, without lark."""
    for name in (*library.names(), *library.vocabulary_names()):
        text = library.source(name).text
        assert machine.sound_items(text) == grammar.lark_parser().parse(text)


def test_the_machine_takes_what_lark_takes() -> None:
    """It refuses what lark refuses, and whatever it takes, lark reads alike."""
    taken = 0
    for number in range(600):
        text = fuzzed(23, number)
        if isinstance(text, bytes):
            continue
        items = machine.sound_items(text)
        try:
            wanted = grammar.lark_parser().parse(text)
        except UnexpectedInput:
            wanted = None
        assert items == wanted
        taken += items is not None
    assert taken > 50


@pytest.mark.parametrize(
    "text", ["op a = [relu] +2 * [relu]", "op op = [relu]", "network { cell = 1e-5 N = +2 }"]
)
def test_what_only_the_context_decides(text: str) -> None:
    """Names that are words of the language, and signs: sound, whoever reads them."""
    parsed = parse(Source("a.cell", text))
    assert parsed.diagnostics == ()
    assert parsed.file.items == grammar.lark_parser().parse(text)


def test_a_sound_text_needs_no_lark() -> None:
    """Importing it would take longer than to check the text."""
    code = "import sys, nasdsl; nasdsl.load('nasnet_a'); print('lark' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.parametrize("change", ["another grammar", "another lark", "no file", "not a table"])
def test_tables_of_something_else(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not used: the grammar itself is what counts."""
    text = tables.written(LARK, grammar.built(LARK))
    of_machine = tables.written_machine(LARK, grammar.built(LARK))
    monkeypatch.setattr(resources, "grammar", lambda: tmp_path)
    (tmp_path / "cell.lark").write_text(LARK)
    (tmp_path / "cell.json").write_text(text)
    (tmp_path / "machine.json").write_text(of_machine)
    assert tables.read(LARK, None) is not None
    if change == "no file":
        (tmp_path / "cell.json").unlink()
        (tmp_path / "machine.json").unlink()
    if change == "not a table":
        (tmp_path / "cell.json").write_text("[]")
        (tmp_path / "machine.json").write_text("[]")
    if change == "another lark":
        monkeypatch.setattr(tables.lark, "__version__", "0.0")
    asked = f"{LARK}\n// changed" if change == "another grammar" else LARK
    assert tables.read(asked, None) is None
    if change == "another grammar":
        (tmp_path / "cell.lark").write_text(asked)
    caches = grammar.lark_parser, machine.machine
    for cache in caches:
        cache.cache_clear()
    try:
        assert (machine.machine() is None) == (change != "another lark")
        found = parse(Source("a.cell", "genotype a\nops nasnet\n"))
    finally:
        for cache in caches:
            cache.cache_clear()
    assert found.diagnostics == ()
