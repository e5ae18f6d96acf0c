"""Text to syntax.

Purpose: `parse` gives a tree and the findings for any text at all.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from nasdsl.errors import Diagnostic, Fix, Source, Span, did_you_mean
from nasdsl.language.parser.known_blocks import KnownBlocks
from nasdsl.language.parser.machine import sound_items
from nasdsl.language.tree import Comment, File

#: Reading stops there.
MAX_MISTAKES = 50

# Everything below a space but tab, newline and carriage return; delete; the C1 controls;
# and the marks that make text read otherwise than it is stored (bidi, zero width).
CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_COMMENT = re.compile(r"#[^\n]*")
_WORD = re.compile(r"[^\W\d]\w*|\d\w*")

# Letters of other scripts that look like one of ASCII, as Unicode's confusables list them.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјһѕԁԛԝοαɡıⅼ０１２３４５６７８９", "aeopcyxijhsdqwoagil0123456789"
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A source, its tree, and what is wrong with its syntax (empty for a sound text)."""

    source: Source
    file: File
    diagnostics: tuple[Diagnostic, ...]


def parse(source: Source, known: KnownBlocks | None = None) -> Parsed:
    """The syntax of `source`. Any text gives a tree; mistakes are in `diagnostics`.

    Args:
        source: the text.
        known: the blocks of the text before an edit, which save time; afterwards those of this
            text. They decide nothing about the syntax.
    """
    text = source.text
    findings: list[Diagnostic] = []
    items: Any
    if CONTROL.search(text):
        text, findings = _without_controls(source)
    if not text.isascii():
        text, more = _in_ascii(source, text)
        findings += more
    items = sound_items(text, known)
    if items is None:
        # Imported here because few texts need lark.
        from nasdsl.language.parser.recovery import items_or_mistakes

        items, more = items_or_mistakes(source, text, known)
        findings += more
    elif known is not None:
        known.keep(text, items)
    return Parsed(source, File(items, comments_of(source.text)), tuple(findings))


def comments_of(text: str) -> tuple[Comment, ...]:
    """The comments of a text, in its order."""
    # Nothing but a comment can hold a `#`: the language has no strings.
    comments = []
    for match in _COMMENT.finditer(text):
        written = match.group().rstrip()
        comments.append(Comment(written, Span(match.start(), match.start() + len(written))))
    return tuple(comments)


def _without_controls(source: Source) -> tuple[str, list[Diagnostic]]:
    places = [match.start() for match in CONTROL.finditer(source.text)]
    findings = []
    for at in places[:MAX_MISTAKES]:
        char, span = source.text[at], Span(at, at + 1)
        name = unicodedata.name(char, "")
        findings.append(
            Diagnostic(
                "NAS003",
                f"control character U+{ord(char):04X}{f' ({name})' if name else ''} in the text",
                source,
                span,
                label="invisible character",
                fixes=(Fix(span, "", "remove it", safe=True),),
            )
        )
    return CONTROL.sub(" ", source.text), findings


def _in_ascii(source: Source, text: str) -> tuple[str, list[Diagnostic]]:
    """The text with look-alike words put in ASCII where that keeps their length."""
    comments = iter([match.span() for match in _COMMENT.finditer(text)])
    comment = next(comments, None)
    pieces: list[str] = []
    findings: list[Diagnostic] = []
    at = 0
    for match in _WORD.finditer(text):
        while comment is not None and comment[1] <= match.start():
            comment = next(comments, None)
        if match.group().isascii() or (comment is not None and comment[0] <= match.start()):
            continue
        if len(findings) == MAX_MISTAKES:
            break
        plain = _look_alike(match.group())
        span = Span(*match.span())
        findings.append(_not_ascii(source, match.group(), plain, span))
        if plain and len(plain) == len(match.group()):
            pieces += [text[at : span.start], plain]
            at = span.end
    return "".join([*pieces, text[at:]]), findings


def _look_alike(word: str) -> str | None:
    folded = unicodedata.normalize("NFKC", word.translate(_LOOK_ALIKES))
    stripped = "".join(
        c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c)
    )
    return stripped if stripped.isascii() and stripped else None


def _not_ascii(source: Source, word: str, plain: str | None, span: Span) -> Diagnostic:
    odd = next(char for char in word if not char.isascii())
    name = unicodedata.name(odd, "unnamed")
    return Diagnostic(
        "NAS005",
        f"the name `{word[:40]}` has U+{ord(odd):04X} ({name}), which is not ASCII",
        source,
        span,
        label="names are ASCII letters, digits and `_`",
        hints=(did_you_mean(plain[:40]),) if plain else (),
        fixes=(Fix(span, plain, f"write `{plain[:40]}` in ASCII"),) if plain else (),
    )
