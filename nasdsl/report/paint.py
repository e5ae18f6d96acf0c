"""Colour, where it is asked for.

Purpose: the few ANSI styles of a report.
Non-goals: deciding whether a terminal wants colour (the command line does).
"""

from typing import NamedTuple

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "help": "1;36",
    "second": "1;34",
    "gutter": "1;34",
    "strong": "1",
    "added": "1;32",
    "removed": "1;31",
}


class Paint(NamedTuple):
    """Puts text in a style; without colour it changes nothing."""

    colour: bool

    def __call__(self, style: str, text: str) -> str:
        """`text` in a style of this module ("" for none)."""
        if not self.colour or not style or not text:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
