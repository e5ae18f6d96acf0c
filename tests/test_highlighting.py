"""Highlighters agree with the language's own lexer."""

import json
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editors import generate
from nasdsl import library
from nasdsl.highlighting.table import TOKENS
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.parser.tokens import keyword_names, lexed_tokens
from nasdsl.language.words import KEYWORDS
from nasdsl.loading import loads_space
from nasdsl.metadata import entry_points
from nasdsl.space import sample
from tests.clones import ROOT

pytest.importorskip("pygments")

from nasdsl.highlighting.pygments import CellLexer, _type

Seen = list[tuple[int, int, str]]

TEXTS = {
    **{name: library.source(name).text for name in library.names()},
    **{f"ops_{name}": library.vocabulary_source(name).text for name in library.vocabulary_names()},
}
ODD = """\
# names and numbers that look alike: relu[, é
op h = 2 * [relu, conv(3x3, dilation 2, filters/4), x]else [ ]
cell normal{b_0=(h[i],h [ i-1 ],{a|b},?,output_)5*(?,?,?,?,?)output concat(h[i],)}
network { epsilon = 1e-3 rate = .5 wide = 1e+3x big = 12ab outputs = true }
"""
_PUNCTUATION = {
    **dict.fromkeys(("EQUAL", "VBAR", "STAR", "PLUS", "SLASH"), "operator"),
    **dict.fromkeys(("LPAR", "RPAR", "LBRACE", "RBRACE", "LSQB", "RSQB"), "bracket"),
    "COMMA": "comma",
    "QMARK": "hole",
    "STATE": "state",
    "NUMBER": "number",
    "WORD": "word",
}


def lexed(text: str) -> Seen:
    """The tokens of the language's own lexer: start, end and kind."""
    illegal: list[object] = []
    found = []
    for read in lexed_tokens(text, illegal):  # type: ignore[arg-type]
        token = read.token
        if token.type != "$END":
            kind = "keyword" if token.type in keyword_names() else _PUNCTUATION[token.type]
            found.append((int(token.start_pos or 0), int(token.end_pos or 0), kind))
    assert not illegal
    return found


def by_pygments(text: str) -> Seen:
    kinds = {_type(kind.pygments): kind.name for kind in TOKENS if kind.name != "comma"}
    found = []
    for start, type_, value in CellLexer().get_tokens_unprocessed(text):
        if type_ in kinds and value.strip() and kinds[type_] != "comment":
            name = "comma" if value == "," else kinds[type_]
            found.append((start, start + len(value), name))
    return found


def test_the_keywords_are_those_of_the_grammar() -> None:
    assert {word.upper() for word in KEYWORDS} == keyword_names()


@pytest.mark.parametrize("name", [*TEXTS, "odd"])
def test_pygments_reads_tokens_as_the_language_does(name: str) -> None:
    text = TEXTS.get(name, ODD)
    assert by_pygments(text) == lexed(text)


@given(st.integers(0, 10**9))
def test_pygments_agrees_on_generated_texts(seed: int) -> None:
    space = loads_space(library.source("nasnet_space").text)
    (genotype,) = sample(space, 1, seed)
    text = genotype_text(genotype)
    assert by_pygments(text) == lexed(text)


def test_pygments_finds_the_lexer_by_its_entry_point() -> None:
    (found,) = (each for each in entry_points("pygments.lexers") if each.name == "cell")
    module, _, name = found.value.partition(":")
    assert getattr(import_module(module), name) is CellLexer


def test_what_editors_read_is_up_to_date() -> None:
    for path, text in generate.files().items():
        assert path.read_text(encoding="utf-8") == text, "run `python -m editors.generate`"


# -- highlighters that run on Node ---------------------------------------------------------------


def texts_for_node() -> list[str]:
    space = loads_space(library.source("nasnet_space").text)
    generated = map(genotype_text, sample(space, 200, seed=4))
    return [*TEXTS.values(), ODD, *generated]


def by_node(script: str, texts: list[str]) -> list[Seen]:
    """What a script of `editors/test` says about texts."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    folder = ROOT / "editors" / "test"
    ran = subprocess.run(
        ["node", str(folder / script)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    if "ERR_MODULE_NOT_FOUND" in ran.stderr or "Cannot find" in ran.stderr:
        pytest.skip("run `npm ci` in editors/test")
    assert ran.returncode == 0, ran.stderr
    return [[tuple(token) for token in tokens] for tokens in json.loads(ran.stdout)]


def test_the_codemirror_mode_agrees() -> None:
    """It needs no package: the mode is plain JavaScript."""
    kinds = {kind.codemirror: kind.name for kind in TOKENS}
    texts = texts_for_node()
    for text, seen in zip(texts, by_node("codemirror.mjs", texts), strict=True):
        named = [(start, end, kinds[style]) for start, end, style in seen]
        assert [token for token in named if token[2] != "comment"] == lexed(text)


def test_the_textmate_grammar_agrees() -> None:
    """Read by vscode-textmate, as VS Code reads it."""
    kinds = {kind.textmate: kind.name for kind in TOKENS}
    texts = texts_for_node()
    for text, seen in zip(texts, by_node("textmate.mjs", texts), strict=True):
        named = [(start, end, kinds[scope]) for start, end, scope in seen]
        assert [token for token in named if token[2] != "comment"] == lexed(text)


def test_the_tree_sitter_grammar_has_every_keyword() -> None:
    """Its parser is compared in `bench/highlighting.py`, where tree-sitter is installed."""
    text = Path(ROOT / "editors" / "tree-sitter-cell" / "grammar.js").read_text("utf-8")
    assert all(f'"{word}"' in text for word in KEYWORDS)
