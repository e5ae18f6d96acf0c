"""Highlighters agree with the language's own lexer."""

import json
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editors import generate
from nasdsl import library
from nasdsl.highlighting.table import TOKENS
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.parser.tokens import keyword_names
from nasdsl.language.words import KEYWORDS
from nasdsl.loading import loads_space
from nasdsl.metadata import entry_points
from nasdsl.space import sample
from tests.highlighters import (
    GRAMMAR,
    Seen,
    by_codemirror,
    by_pygments,
    by_textmate,
    by_tree_sitter,
    corpus,
    lexed,
    tree_sitter_parser,
)

pytest.importorskip("pygments")

from nasdsl.highlighting.pygments import CellLexer

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


# -- highlighters that are not Python's ----------------------------------------------------------


@pytest.fixture(scope="module")
def texts() -> list[str]:
    space = loads_space(library.source("nasnet_space").text)
    return [*TEXTS.values(), ODD, *map(genotype_text, sample(space, 200, seed=4))]


@pytest.mark.parametrize("highlighter", [by_codemirror, by_textmate])
def test_highlighters_on_node_agree(
    highlighter: Callable[[Sequence[str]], list[Seen]], texts: list[str]
) -> None:
    for text, seen in zip(texts, highlighter(texts), strict=True):
        assert seen == lexed(text)


@pytest.fixture(scope="module")
def tree_sitter(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tree_sitter_parser(tmp_path_factory.mktemp("tree_sitter"))


def test_the_tree_sitter_grammar_agrees(tree_sitter: Any, texts: list[str]) -> None:
    for text in texts:
        # The odd text has an error, a number and a name in one, and a letter of two bytes.
        sound = text.replace("1e+3x", "1e+3").replace("é", "e")
        assert by_tree_sitter(tree_sitter, sound) == lexed(sound)


@pytest.mark.parametrize(("name", "text", "tree"), corpus())
def test_the_corpus_of_the_tree_sitter_grammar(
    tree_sitter: Any, name: str, text: str, tree: str
) -> None:
    assert str(tree_sitter.parse(text.encode()).root_node) == tree


def test_the_queries_of_the_tree_sitter_grammar_are_sound(tree_sitter: Any) -> None:
    from tree_sitter import Query, QueryCursor

    query = Query(tree_sitter.language, (GRAMMAR / "queries" / "highlights.scm").read_text("utf-8"))
    tree = tree_sitter.parse(library.source("nasnet_a").text.encode())
    found = QueryCursor(query).captures(tree.root_node)
    words = [node.text.decode() for node in sorted(found["keyword"], key=lambda n: n.start_byte)]
    assert words == ["genotype", "ops", *["cell", "output", "concat"] * 2]


def test_the_tree_sitter_parser_is_of_the_words_and_tokens_of_the_table() -> None:
    """What it was generated from is in `grammar.json`; generating it anew needs a program."""
    rules = json.loads((GRAMMAR / "src" / "grammar.json").read_text("utf-8"))["rules"]
    patterns = {kind.name: kind.pattern for kind in TOKENS}
    assert {name: rules[name]["content"]["value"] for name in ("number", "comment")} == {
        name: patterns[name] for name in ("number", "comment")
    }
    words = {name for name in _strings(rules) if name.isalpha()}
    assert words == set(KEYWORDS)
    parser = (GRAMMAR / "src" / "parser.c").read_text("utf-8")
    assert all(f'"{word}"' in parser for word in KEYWORDS)


def _strings(rule: Any) -> Iterator[str]:
    """Every literal of a rule of `grammar.json`."""
    if isinstance(rule, dict):
        if rule.get("type") == "STRING":
            yield rule["value"]
        rule = list(rule.values())
    if isinstance(rule, list):
        for part in rule:
            yield from _strings(part)
