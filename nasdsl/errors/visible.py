"""Text from outside, as it is safe to print.

Purpose: everything that comes from outside (a text, a file name, a store, an error of another
package) goes through `visible` before it is printed or drawn. Characters that would move the
cursor, start a terminal's escape, break a line, hide or reorder text are written as escapes.
Non-goals: colour (`nasdsl.report.visible`, from where these functions are imported).
"""

TAB = "    "

_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
# Letters and marks by their category, and yet nothing is seen of them: fillers of Hangul, the
# grapheme joiner, inherent vowels of Khmer. Variation selectors stay, because emoji need them.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def visible(text: str) -> str:
    r"""`text` on one line, with everything that is not seen as itself written as an escape.

    Controls (`\x1b`, `\n`), bidi and zero-width marks (`\u202e`), unusual spaces, lone
    surrogates, private and unassigned characters are escaped; printable text stays as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def visible_source(text: str) -> str:
    """A source line as it is shown: like `visible`, but a tab is four spaces."""
    return TAB.join(map(visible, text.split("\t")))


def visible_text(text: str) -> str:
    """A text of several lines as it is printed: its lines as `visible_source` shows them."""
    return "\n".join(map(visible_source, text.split("\n")))


def shortened(text: str, most: int) -> str:
    """At most `most` characters of `text`; the last three are dots where there were more."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _visible_character(character: str) -> str:
    if character.isprintable() and character not in _INVISIBLE:
        return character
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(text: str) -> str:
    """The text with what is no Unicode spelt out, as names of files may have it.

    Files and databases take no other text.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
