"""Text that is safe to print: no escapes but our own, and widths that are known.

Purpose: everything that comes from outside (a text, a file name, a store) goes through
`visible` before it is printed: characters that would move the cursor, hide or reorder text are
spelt out. `width` gives the columns that text takes on a terminal, so that carets stand where
they should, and `Paint` adds the few ANSI styles of a report.
"""

import unicodedata
from typing import NamedTuple

TAB = "    "

_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def visible(text: str) -> str:
    """`text` on one line, with controls, bidi marks and lone surrogates as escapes."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def visible_source(text: str) -> str:
    """A source line as it is shown: like `visible`, but a tab is four spaces."""
    if text.isprintable():
        return text
    return "".join(map(_shown_in_source, text))


def width(text: str) -> int:
    """The columns that visible text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def shortened(text: str, most: int) -> str:
    """At most `most` characters of `text`, and `...` where there were more."""
    return text if len(text) <= most else f"{text[:most]}..."


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _shown_in_source(char: str) -> str:
    return TAB if char == "\t" else _shown(char)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


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
