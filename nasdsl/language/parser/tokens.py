"""Tokens without a parser: what recovery reads when the grammar has been left.

Purpose: cut any text into tokens by the grammar's own terminals, and say which characters
fit none.
Non-goals: context. Lark's contextual lexer reads a keyword as a name where only a name
can stand; recovery makes that choice itself.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from lark import Token
from lark.lexer import PatternStr

from nasdsl.errors import Span
from nasdsl.language.parser.grammar import lark_parser


class LexedToken(NamedTuple):
    """A token, whether it is the first of its line, and the illegal text just before it."""

    token: Token
    first_of_line: bool
    after_illegal: bool


class _Terminals(NamedTuple):
    pattern: re.Pattern[str]
    keywords: dict[str, str]


@cache
def _terminals() -> _Terminals:
    keywords, punctuation, patterns = {}, [], []
    for terminal in lark_parser().terminals:
        word = terminal.pattern.value.removesuffix(r"\b")
        if word.isalpha():
            keywords[word] = terminal.name
        elif isinstance(terminal.pattern, PatternStr):
            punctuation.append((0, terminal.name, terminal.pattern.to_regexp()))
        else:
            patterns.append((-terminal.priority, terminal.name, terminal.pattern.to_regexp()))
    ordered = sorted(patterns) + punctuation
    return _Terminals(
        re.compile("|".join(f"(?P<{name}>{rx})" for _, name, rx in ordered)), keywords
    )


@cache
def keyword_names() -> frozenset[str]:
    """The terminals that are words of the language."""
    return frozenset(_terminals().keywords.values())


def lexed_tokens(text: str, illegal: list[Span], start: int = 0) -> Iterator[LexedToken]:
    """The tokens of `text` from the start of a line on, ending with `$END`.

    Runs of characters that fit none go into `illegal`.
    """
    pattern, keywords = _terminals()
    fresh_line, stained, at = True, False, start
    for match in pattern.finditer(text, start):
        kind, value = str(match.lastgroup), match.group()
        if match.start() > at:
            illegal.append(Span(at, match.start()))
            stained = True
        at = match.end()
        if kind in ("COMMENT", "SPACE"):
            fresh_line = fresh_line or "\n" in value
            continue
        kind = keywords.get(value, kind) if kind == "WORD" else kind
        yield LexedToken(_token(kind, value, match.start()), fresh_line, stained)
        fresh_line, stained = False, False
    if at < len(text):
        illegal.append(Span(at, len(text)))
    yield LexedToken(_token("$END", "", len(text)), True, stained)


def invented_token(kind: str, value: str, offset: int) -> Token:
    """A token that the text should have had at `offset`; it takes no room there."""
    return Token(kind, value, start_pos=offset, end_pos=offset)


def _token(kind: str, value: str, start: int) -> Token:
    return Token(kind, value, start_pos=start, end_pos=start + len(value))
