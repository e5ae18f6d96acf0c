"""A foreign text as it is read: its places, its findings, its limits.

Purpose: `Foreign`, which readers hold on to, so that every finding about a foreign text points
into it, as findings about `.cell` texts do.
Non-goals: what any format means (one module each).
"""

from dataclasses import dataclass, field

from nasdsl.errors import CellError, Diagnostic, Source, Span, listed, name_hints

#: The largest foreign text that is read, in characters. A file of genotypes has a few thousand.
MAX_CHARACTERS = 1_000_000
#: How deep brackets may nest. The deepest format needs five.
MAX_DEPTH = 40

_OPENING, _CLOSING = "([{", ")]}"


@dataclass(slots=True)
class Foreign:
    """A text in another tool's format, and what was found in it so far."""

    source: Source
    findings: list[Diagnostic] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The characters."""
        return self.source.text

    @property
    def whole(self) -> Span:
        """The first line that says something: where findings about all of it point."""
        start = len(self.text) - len(self.text.lstrip())
        end = self.text.find("\n", start)
        return Span(start, max(len(self.text) if end < 0 else end, start))

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

    def unknown_op(self, name: object, span: Span, format: str, known: "list[str]") -> CellError:
        """An op that the format has no name for (NAS652)."""
        return self.cell_error(
            "NAS652",
            f"{format} has no op {str(name)[:60]!r}",
            span,
            "",
            *name_hints(str(name), known, f"its ops are {listed(known)}"),
        )


def checked_size(source: Source) -> Foreign:
    """The text, where it is neither too long nor nested too deep for any format.

    Raises:
        CellError: NAS656, at the bracket that goes too deep. It takes one pass.
    """
    foreign = Foreign(source)
    if len(source.text) > MAX_CHARACTERS:
        raise foreign.cell_error(
            "NAS656", f"the text has {len(source.text):,} characters, more than {MAX_CHARACTERS:,}"
        )
    depth = 0
    for at, char in enumerate(source.text):
        if char in _OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                span = Span(at, at + 1)
                raise foreign.cell_error("NAS656", f"brackets nest deeper than {MAX_DEPTH}", span)
        elif char in _CLOSING:
            depth -= 1
    return foreign
