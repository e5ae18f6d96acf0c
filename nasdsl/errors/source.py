"""Text with a name, and places in it.

Purpose: turn character offsets into the lines and columns people read.
Non-goals: reading files (`nasdsl.language.parser.read`), rendering (`nasdsl.report`).
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open range of characters, `start <= offset < end`, in one source."""

    start: int
    end: int

    def to(self, other: "Span") -> "Span":
        """The span from the start of this one to the end of `other`."""
        return Span(self.start, other.end)


class Position(NamedTuple):
    """A place as editors show it: line and column both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file and the name it is reported under."""

    name: str
    text: str
    _line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        starts += [i + 1 for i, char in enumerate(self.text) if char == "\n"]
        object.__setattr__(self, "_line_starts", tuple(starts))

    def position(self, offset: int) -> Position:
        """The line and column of `offset`; the end of the text is a valid place."""
        index = bisect_right(self._line_starts, offset) - 1
        return Position(index + 1, offset - self._line_starts[index] + 1)

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its line ending."""
        start = self._line_starts[number - 1]
        stop = self.text.find("\n", start)
        return self.text[start : len(self.text) if stop < 0 else stop].rstrip("\r")

    def line_start(self, number: int) -> int:
        """The offset at which line `number` (from 1) begins."""
        return self._line_starts[number - 1]
