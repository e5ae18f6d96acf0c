"""Offsets in a text, and the lines and characters in which the protocol counts.

Purpose: `LinePositions`. The protocol ends lines at a line feed, a carriage return, or both.
Python's `splitlines` knows seven more ends, so pygls's own documents are not used. Characters are
counted in the units that client and server have agreed on.
"""

import re
from bisect import bisect_right

from lsprotocol import types

from nasdsl.errors import Span

_END = re.compile(r"\r\n|\n|\r")


class LinePositions:
    """The lines of one text.

    Args:
        text: the text.
        encoding: the unit of a client's characters: UTF-8, UTF-16 or UTF-32 code units.
    """

    def __init__(self, text: str, encoding: types.PositionEncodingKind | str) -> None:
        self.text = text
        self._encoding = types.PositionEncodingKind(encoding)
        self._ends = [match.span() for match in _END.finditer(text)]
        self._starts = [0, *(end for _, end in self._ends)]
        self._plain = text.isascii() or self._encoding == types.PositionEncodingKind.Utf32

    def offset(self, position: types.Position) -> int:
        """The offset of a position. One that is beyond its line or the text is its end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[position.line]
        end = self._ends[position.line][0] if position.line < len(self._ends) else len(self.text)
        if self._plain:
            return min(start + position.character, end)
        offset, units = start, 0
        while offset < end and units < position.character:
            units += self._units(self.text[offset])
            offset += 1
        # Half of a surrogate pair is no place: the character before it is meant.
        return offset if units <= position.character else offset - 1

    def position(self, offset: int) -> types.Position:
        """The position of an offset."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._plain:
            return types.Position(line, offset - start)
        return types.Position(line, sum(map(self._units, self.text[start:offset])))

    def span(self, place: types.Range) -> Span:
        """The span of a range."""
        start = self.offset(place.start)
        return Span(start, max(start, self.offset(place.end)))

    def range(self, span: Span) -> types.Range:
        """The range of a span."""
        return types.Range(self.position(span.start), self.position(span.end))

    def length(self, span: Span) -> int:
        """The units of a span that lies in one line."""
        if self._plain:
            return span.end - span.start
        return sum(map(self._units, self.text[span.start : span.end]))

    def _units(self, char: str) -> int:
        if self._encoding == types.PositionEncodingKind.Utf8:
            # A lone surrogate cannot be encoded, and counts as the bytes of its number.
            return len(char.encode("utf-8", "surrogatepass"))
        if self._encoding == types.PositionEncodingKind.Utf16:
            return 2 if ord(char) > 0xFFFF else 1
        return 1
