"""Text a terminal can be trusted with.

Purpose: characters that would move the cursor, hide or reorder text are spelt out, and
every character's width on a terminal is known, so that carets stand where they should.
Non-goals: shaping, grapheme clusters, fonts.
"""

import unicodedata

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
