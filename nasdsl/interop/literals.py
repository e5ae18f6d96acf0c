"""Python texts, read as data.

Purpose: syntax trees by `ast`, the values of literals, and where each stands. Nothing is ever
executed, imported or looked up.
Non-goals: what the values mean.
"""

import ast
import warnings
from dataclasses import dataclass

from nasdsl.errors import Span
from nasdsl.interop.foreign import Foreign

#: What `range(a, b)` may make: no format has more states.
_LONGEST_RANGE = 1_000


@dataclass(frozen=True, slots=True)
class Value:
    """A literal with its place: a list (tuples too), a dictionary, or a plain value."""

    data: "list[Value] | dict[str, Value] | str | int | float | bool | None"
    span: Span


class Python:
    """A Python text and the places of its nodes.

    Raises:
        CellError: NAS651 where Python could not parse the text either.
    """

    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign
        self.lines = foreign.text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        try:
            with warnings.catch_warnings():
                # Odd escapes in somebody's strings are no business of ours.
                warnings.simplefilter("ignore")
                self.tree = ast.parse(foreign.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._syntax(error) from None

    def _syntax(self, error: Exception) -> Exception:
        reason = error.msg if isinstance(error, SyntaxError) else "it cannot be parsed"
        at = len(self.foreign.text)
        if isinstance(error, SyntaxError) and error.lineno and error.lineno <= len(self.lines):
            at = self.starts[error.lineno - 1] + max((error.offset or 1) - 1, 0)
        at = min(at, len(self.foreign.text))
        span = Span(at, min(at + 1, len(self.foreign.text)))
        return self.foreign.cell_error("NAS651", f"this is not Python: {reason}", span)

    def span(self, node: ast.AST) -> Span:
        """Where a node stands, in characters (`ast` counts bytes of UTF-8)."""
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
        return Span(
            self._offset(first, getattr(node, "col_offset", 0)),
            self._offset(last, getattr(node, "end_col_offset", 0)),
        )

    def _offset(self, line: int, column: int) -> int:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return self.starts[line - 1] + len(text.encode()[:column].decode(errors="ignore"))

    def value(self, node: ast.expr) -> Value:
        """The value of a literal, `list(...)` and `range(...)` of literals included.

        Raises:
            CellError: it is anything else (NAS651); it would have to be executed.
        """
        span = self.span(node)
        match node:
            case ast.Constant(value=str() | int() | float() | None as data):
                return Value(data, span)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as data)):
                return Value(-data, span)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return Value([self.value(part) for part in parts], span)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                return Value({self._key(key, span): self.value(item) for key, item in pairs}, span)
            case ast.Call(func=ast.Name(id="range"), args=[*bounds], keywords=[]):
                return Value(self._range(bounds, span), span)
            case ast.Call(func=ast.Name(id="list" | "tuple"), args=[inner], keywords=[]):
                return self.value(inner)
        raise self.foreign.cell_error(
            "NAS651", "this is no literal, and nothing here is executed", span, "not a plain value"
        )

    def _key(self, node: ast.expr | None, span: Span) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        place = span if node is None else self.span(node)
        raise self.foreign.cell_error("NAS651", "a key of the dictionary is no text", place)

    def _range(self, bounds: list[ast.expr], span: Span) -> list[Value]:
        numbers = [self.value(bound).data for bound in bounds]
        whole = [number for number in numbers if type(number) is int]
        if len(whole) == len(numbers) and len(whole) in (1, 2):
            made = range(*whole)
            if len(made) <= _LONGEST_RANGE:
                return [Value(number, span) for number in made]
        raise self.foreign.cell_error("NAS651", "this range is no range of states", span)


def numbers(foreign: Foreign, value: Value, what: str) -> list[tuple[int, Span]]:
    """The whole numbers of a list, each with its place.

    Raises:
        CellError: it is no list of whole numbers (NAS651).
    """
    if not isinstance(value.data, list):
        raise foreign.cell_error("NAS651", f"{what} is no list", value.span)
    found = []
    for part in value.data:
        if type(part.data) is not int:
            raise foreign.cell_error("NAS651", f"{what} has something that is no number", part.span)
        found.append((part.data, part.span))
    return found
