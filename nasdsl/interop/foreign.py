"""A text of another tool while it is read: its places, findings, limits and genotypes.

Readers hold on to a `Foreign`, so that every finding about a text points into it, and list what
they find there as `Entry`s, which are read one by one. What a format means stands in its module.
"""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from nasdsl.errors import CellError, Diagnostic, Source, Span, did_you_mean, listed
from nasdsl.language.genotype.types import Genotype, Space

#: The largest foreign text that is read, in characters. A file of genotypes has a few thousand.
MAX_CHARACTERS = 1_000_000
#: How deep brackets may nest. The deepest format needs six.
MAX_DEPTH = 40
#: The largest number a text may hold, either side of zero. States and ops count to a thousand.
MAX_NUMBER = 1_000_000_000

_OPENING, _CLOSING = "([{", ")]}"
_ESCAPE = "\x1b"
_LEADING_SPACE = re.compile(r"\s*")
_MAX_NAME = 60
#: How much before a genotype is searched for `NAME =`.
_MAX_LEAD = 100
_LEAD = re.compile(r"""(?<![\w.])["']?([A-Za-z_][\w.-]*)["']?\s*[:=]\s*[brufBRUF]{0,2}["']*$""")


@dataclass(frozen=True, slots=True)
class Options:
    """Choices that a format leaves open.

    Attributes:
        name: what to call a genotype that has no name in its text.
        space: the space whose decisions a text lists by number; only DNA needs it.
    """

    name: str | None = None
    space: Space | None = None


@dataclass(slots=True)
class Foreign:
    """A text in another tool's format, and what was found in it so far.

    Attributes:
        whole: the first line that says something: where findings about all of the text point.
    """

    source: Source
    findings: list[Diagnostic] = field(default_factory=list)
    whole: Span = field(init=False)

    def __post_init__(self) -> None:
        leading = _LEADING_SPACE.match(self.text)
        start = leading.end() if leading else 0
        end = self.text.find("\n", start)
        self.whole = Span(start, len(self.text) if end < 0 else end)

    @property
    def text(self) -> str:
        """The characters."""
        return self.source.text

    def first_line(self, span: Span) -> Span:
        """The part of a place that is on its first line."""
        end = self.text.find("\n", span.start, span.end)
        return Span(span.start, span.end if end < 0 else end)

    def without_findings(self) -> "Foreign":
        """The same text, of which nothing has been found yet."""
        fresh = copy.copy(self)
        fresh.findings = []
        return fresh

    def cell_error(
        self, code: str, message: str, span: Span | None = None, label: str = "", *hints: str
    ) -> CellError:
        """The error that ends the reading, with what was found before it."""
        place = self.whole if span is None else span
        found = Diagnostic(code, message, self.source, place, label=label, hints=hints)
        return CellError((*self.findings, found))

    def note(self, message: str, span: Span | None = None, *hints: str) -> None:
        """Something of the text does not carry over (NAS655)."""
        place = self.whole if span is None else span
        self.findings.append(Diagnostic("NAS655", message, self.source, place, hints=hints))

    def unknown_op(self, name: object, span: Span, format: str, known: Sequence[str]) -> CellError:
        """An op that the format has no name for (NAS652)."""
        other = _other_spelling(str(name), known)
        hint = did_you_mean(other) if other else f"its ops are {listed(known)}"
        return self.cell_error("NAS652", f"{format} has no op {str(name)[:60]!r}", span, "", hint)


@dataclass(frozen=True, slots=True)
class Entry:
    """A genotype that a text holds, not read yet.

    Attributes:
        name: what the text calls it; empty where it does not say.
        span: where it stands.
        make: reads it, with findings for the text it is given, under the name it is given,
            which is empty where the format's own name for a cell is to be used.
        path: the name after those of the dictionaries and classes it stands in, with dots.
        identity: equal for two entries that are one genotype under two names.
    """

    name: str
    span: Span
    make: Callable[[Foreign, str], Genotype]
    path: str = ""
    identity: object = None

    @property
    def names(self) -> set[str]:
        """What it may be asked for by."""
        return {self.name, self.path} - {""}


def name_before(text: str, start: int) -> str:
    """NAME where `NAME =` or `NAME:` ends at `start` of the text; empty where neither does."""
    found = _LEAD.search(text[max(start - _MAX_LEAD, 0) : start])
    return found.group(1) if found else ""


def genotype_name(name: str | None, otherwise: str) -> str:
    """`name` as a `.cell` file may have it: ASCII letters, digits and `_`; never empty."""
    made = re.sub(r"[^0-9a-z]+", "_", (name or "").lower())[:_MAX_NAME].strip("_")
    if not made:
        return otherwise
    return f"g{made}" if made[0].isdigit() else made


def _other_spelling(name: str, known: Sequence[str]) -> str | None:
    """The known op that a name is another spelling of.

    `sep_conv_9x9` is not `sep_conv_3x3`, and `noise` is not `none`: where the numbers differ,
    or much of the letters, it is another op.
    """
    if len(name) > _MAX_NAME:
        return None
    digits, letters = _parts(name)
    for other in known:
        known_digits, known_letters = _parts(other)
        same = not digits or digits == known_digits
        if letters and same and SequenceMatcher(None, letters, known_letters).ratio() >= 0.8:
            return other
    return None


def _parts(name: str) -> tuple[str, str]:
    """Digits and letters of a name, apart."""
    return re.sub(r"[^0-9]", "", name), re.sub(r"[^a-z]", "", re.sub(r"\dx\d", "", name.lower()))


def foreign_text(source: Source) -> Foreign:
    """The text, where it is neither too long nor nested too deep for any format.

    The brackets of a log, of which `[1/50` and colours never close, do not add up: a line that
    begins with a word or a colour begins anew.

    Raises:
        CellError: NAS656, at the bracket that goes too deep. It takes one pass.
    """
    foreign = Foreign(source)
    if len(source.text) > MAX_CHARACTERS:
        raise foreign.cell_error(
            "NAS656", f"the text has {len(source.text):,} characters, more than {MAX_CHARACTERS:,}"
        )
    depth, starts_line = 0, True
    for at, char in enumerate(source.text):
        if starts_line and (char.isalnum() or char == _ESCAPE):
            depth = 0
        starts_line = char == "\n"
        if char in _OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                span = Span(at, at + 1)
                raise foreign.cell_error("NAS656", f"brackets nest deeper than {MAX_DEPTH}", span)
        elif char in _CLOSING:
            depth = max(depth - 1, 0)
    return foreign
