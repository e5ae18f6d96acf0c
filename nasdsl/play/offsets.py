"""Offsets in a text as JavaScript counts them, and as Python does."""

from bisect import bisect_left
from itertools import count


class Offsets:
    """Between characters (Python) and UTF-16 units (JavaScript), for one text."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        # Of each character that takes two units: how many characters stand before it.
        self._wide = [at for at, char in enumerate(text) if char > "\uffff"]
        # And how many units.
        self._units = [at + extra for at, extra in zip(self._wide, count(), strict=False)]

    def outward(self, offset: int) -> int:
        """An offset in characters as one in units."""
        return offset + bisect_left(self._wide, offset)

    def inward(self, offset: int) -> int:
        """An offset in units as one in characters; inside the text, whatever is asked."""
        found = offset - bisect_left(self._units, offset)
        return max(0, min(found, self._length))
