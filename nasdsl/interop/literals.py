"""Python and JSON texts, read as data.

Syntax trees by `ast`, the values of literals, and where each stands. Nothing is ever executed,
imported or looked up.
"""

import ast
import itertools
import json
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from nasdsl import documents
from nasdsl.errors import CellError, Span
from nasdsl.interop.foreign import MAX_NUMBER, Foreign

#: What `range(a, b)` may make: no format has more states.
_MAX_RANGE = 1_000
#: How many parts in brackets are looked at, of a text that is no Python as a whole.
_MAX_PARTS = 2_000
_BRACKET = re.compile(r"[()\[\]{}]")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_JSON_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
#: Calls that stand for the literal they hold: containers, and scalars as numpy prints them.
_TRANSPARENT = re.compile(
    r"list|tuple|set|(as)?array|matrix|tensor|u?int(8|16|32|64|_)?|float(16|32|64|_)?|str_?|bool_?"
)
_IGNORED_KEYWORDS = {"dtype", "copy", "device"}


@dataclass(frozen=True, slots=True)
class LiteralValue:
    """A literal with its place: a list (tuples too), a dictionary, or a plain value."""

    data: "list[LiteralValue] | dict[str, LiteralValue] | str | int | float | bool | None"
    span: Span


class Python:
    """A Python text and the places of its nodes.

    Args:
        foreign: what the text is of, for findings.
        text: the text; all of it where this is None.
        offset: where the text starts in all of it.
        within: where all its nodes are said to stand, where they have no places of their own.
        is_json: whether strings have JSON's escapes.

    Raises:
        CellError: NAS651 where Python could not parse the text either.
    """

    def __init__(
        self,
        foreign: Foreign,
        text: str | None = None,
        offset: int = 0,
        within: Span | None = None,
        is_json: bool = False,
    ) -> None:
        self.foreign, self.offset, self.within, self.is_json = foreign, offset, within, is_json
        self.text = foreign.text if text is None else text
        ends = [match.end() for match in _NEWLINE.finditer(self.text)]
        self.starts = [0, *ends]
        self.stops = [*ends, len(self.text)]
        self._characters: dict[int, list[int]] = {}
        try:
            with warnings.catch_warnings():
                # Odd escapes in somebody's strings are no business of ours.
                warnings.simplefilter("ignore")
                self.tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._syntax_error(error) from None

    def _syntax_error(self, error: Exception) -> CellError:
        reason = error.msg if isinstance(error, SyntaxError) else "it cannot be parsed"
        at = len(self.text)
        if isinstance(error, SyntaxError) and error.lineno and error.lineno <= len(self.starts):
            at = self.starts[error.lineno - 1] + max((error.offset or 1) - 1, 0)
        span = self._span_in_text(at, at + 1)
        return self.foreign.cell_error("NAS651", f"this is not Python: {reason}"[:200], span)

    def span(self, node: ast.AST) -> Span:
        """Where a node stands, in characters (`ast` counts bytes of UTF-8)."""
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
        return self._span_in_text(
            self._position(first, getattr(node, "col_offset", 0)),
            self._position(last, getattr(node, "end_col_offset", 0)),
        )

    def _span_in_text(self, start: int, end: int) -> Span:
        """A span of the text as one of all of the foreign text."""
        if self.within is not None:
            return self.within
        last = len(self.foreign.text)
        start = min(max(start + self.offset, 0), last)
        return Span(start, min(max(end + self.offset, start), last))

    def _position(self, line: int, column: int) -> int:
        if line > len(self.starts):
            return len(self.text)
        start = self.starts[line - 1]
        if self.text.isascii():
            return start + column
        if line not in self._characters:
            found: list[int] = []
            for at, char in enumerate(self.text[start : self.stops[line - 1]]):
                found += [at] * len(char.encode(errors="surrogatepass"))
            self._characters[line] = found
        known = self._characters[line]
        return start + (known[column] if column < len(known) else self.stops[line - 1] - start)

    def value(self, node: ast.expr, *, names: bool = False) -> LiteralValue:
        """The value of a literal, `list(...)`, `range(...)` and `array(...)` of literals included.

        Args:
            node: the expression.
            names: whether a name stands for its own text, as constants' names do.

        Raises:
            CellError: it is anything else (NAS651); it would have to be executed.
        """
        span = self.span(node)
        match node:
            case ast.Constant(value=str() as text):
                return LiteralValue(self._string(text, node), span)
            case ast.Constant(value=int() | float() | None as data):
                return LiteralValue(self._number(data, span), span)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as data)):
                number = self._number(data, span)
                return LiteralValue(-number if number is not None else None, span)
            case ast.Name(id="true" | "false" | "null" as word):
                return LiteralValue(_JSON_WORDS[word], span)
            case ast.Name(id=word) if names:
                return LiteralValue(word, span)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return LiteralValue([self.value(part, names=names) for part in parts], span)
            case ast.Dict():
                pairs = ((key, self.value(item, names=names)) for key, item in self.pairs(node))
                return LiteralValue(dict(pairs), span)
            case ast.Call(args=[*bounds], keywords=[]) if called(node) in ("range", "arange"):
                return LiteralValue(self._range(bounds, span), span)
            case ast.Call(args=[inner], keywords=words) if _TRANSPARENT.fullmatch(called(node)):
                if {word.arg for word in words} <= _IGNORED_KEYWORDS:
                    return LiteralValue(self.value(inner, names=names).data, span)
        raise self.foreign.cell_error(
            "NAS651",
            "this is not a literal, and nothing here is executed",
            span,
            "not a plain value",
        )

    def pairs(self, node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
        """The keys and the expressions of a dictionary.

        Raises:
            CellError: a key is not a text, or is there twice (NAS651).
        """
        seen: set[str] = set()
        for key, item in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                place = self.span(key or node)
                raise self.foreign.cell_error(
                    "NAS651", "a key of the dictionary is not a text", place
                )
            name = self._string(key.value, key)
            if name in seen:
                raise repeated_key(self.foreign, name, self.span(key))
            seen.add(name)
            yield name, item

    def _string(self, text: str, node: ast.expr) -> str:
        """A string by JSON's escapes where it is JSON; slashes and surrogates differ."""
        if not self.is_json or "\\" not in (source := self._source(node)):
            return text
        read = json.loads(source)
        assert isinstance(read, str)
        return read

    def _source(self, node: ast.expr) -> str:
        start = self._position(node.lineno, node.col_offset)
        return self.text[start : self._position(node.end_lineno or 1, node.end_col_offset or 0)]

    def _number(self, data: float | None, span: Span) -> float | None:
        if data is not None and abs(data) > MAX_NUMBER:
            raise self.foreign.cell_error("NAS656", f"the number is over {MAX_NUMBER:,}", span)
        return data

    def _range(self, bounds: list[ast.expr], span: Span) -> list[LiteralValue]:
        numbers = [self.value(bound).data for bound in bounds]
        whole = [number for number in numbers if type(number) is int]
        if len(whole) == len(numbers) and len(whole) in (1, 2, 3) and 0 not in whole[2:]:
            made = range(*whole)
            if len(made) <= _MAX_RANGE:
                return [LiteralValue(number, span) for number in made]
        raise self.foreign.cell_error("NAS651", "this is not a range of states", span)


def called(node: ast.expr) -> str:
    """The last name of what a call calls; empty where it is something else."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""


def repeated_key(foreign: Foreign, key: str, span: Span) -> CellError:
    """The error that a dictionary has a key twice (NAS651)."""
    text = f"the key {key[:60]!r} is there twice"
    return foreign.cell_error("NAS651", text, span, "", "only one of the two values can count")


def numbers(foreign: Foreign, value: LiteralValue, what: str) -> list[tuple[int, Span]]:
    """The whole numbers of a list, each with its place.

    Raises:
        CellError: it is not a list of whole numbers (NAS651).
    """
    if not isinstance(value.data, list):
        raise foreign.cell_error("NAS651", f"{what} is not a list", value.span)
    found = []
    for part in value.data:
        if type(part.data) is not int:
            raise foreign.cell_error(
                "NAS651", f"{what} holds something that is not a number", part.span
            )
        found.append((part.data, part.span))
    return found


def enclosed(foreign: Foreign, is_json: bool = False) -> Python:
    """The text as one expression: indented, as JSON may be, and over several lines."""
    return Python(foreign, f"(\n{foreign.text}\n)", offset=-2, is_json=is_json)


def pythons(foreign: Foreign, opening: str) -> list[Python]:
    """The text as Python; where it is none, what stands in it in brackets that open as given.

    Programs print what they found after a time and between other words.

    Args:
        foreign: the text.
        opening: an expression for the first characters of what is looked for, a bracket first.

    Raises:
        CellError: NAS651 where there is neither.
    """
    try:
        return [Python(foreign)]
    except CellError:
        found = []
        spans = _in_brackets(foreign.text, re.compile(opening))
        for span in itertools.islice(spans, _MAX_PARTS):
            with suppress(CellError):
                found.append(Python(foreign, foreign.text[span.start : span.end], span.start))
        if not found:
            raise
        return found


def _in_brackets(text: str, opening: re.Pattern[str]) -> Iterator[Span]:
    """From each bracket that opens so to the one that closes it; no character is met twice."""
    start = depth = 0
    for bracket in _BRACKET.finditer(text):
        at = bracket.start()
        if bracket.group() in "([{":
            if not depth:
                if opening.match(text, at) is None:
                    continue
                start = at
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                yield Span(start, at + 1)


def json_value(foreign: Foreign) -> LiteralValue:
    """The value of a JSON text: JSON alone, without Python around it, and no key twice.

    Raises:
        CellError: NAS651 where it is anything else.
    """
    try:
        documents.json_value(foreign.text, constants=False)
    except json.JSONDecodeError as error:
        span = Span(error.pos, min(error.pos + 1, len(foreign.text)))
        raise foreign.cell_error("NAS651", f"this is not JSON: {error.msg}", span) from None
    except ValueError as error:
        raise foreign.cell_error("NAS651", f"this is not JSON: {error}"[:200]) from None
    # JSON is Python but for three words and some escapes, and `ast` knows places.
    python = enclosed(foreign, is_json=True)
    match python.tree.body:
        case [ast.Expr(value=value)]:
            return python.value(value)
    raise foreign.cell_error("NAS651", "there is no document in the text")
