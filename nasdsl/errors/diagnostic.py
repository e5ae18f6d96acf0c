"""What is wrong, where, and the way out: data only.

Purpose: one type for every message that nasdsl has for its users, and the text and places it
refers to. Rendering is in `nasdsl.report`, and each stage decides what is wrong.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, NamedTuple

from nasdsl.errors.codes import CODES
from nasdsl.errors.visible import visible


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
    """The text of one file and the name it is reported under.

    Attributes:
        name: a path, or a name in angle brackets.
        text: the text.
        in_library: whether it is the library's, and lies in no folder, whatever its name says.
    """

    name: str
    text: str
    in_library: bool = field(default=False, repr=False, compare=False)
    _line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # All in C: a loop over the characters would take longer than reading the text.
        lengths = map((1).__add__, map(len, self.text.split("\n")))
        object.__setattr__(self, "_line_starts", tuple(accumulate(lengths, initial=0))[:-1])

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


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the first: "b2 is first defined here"."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit a machine may apply: put `replacement` where `span` is.

    `safe` says that nothing else can be meant, so that `nasdsl check --fix` may apply it unasked.
    """

    span: Span
    replacement: str
    title: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `message` can be read alone; `label` stands beside the caret; `hints` are ways out in
    words, and `fixes` are ways out that a machine can apply. `source` and `span` are None where
    the mistake is not in a text (a command line flag, a keyword argument).

    Raises:
        CellError: NAS008, there is no such code, or a span without a source.
    """

    code: str
    message: str
    source: Source | None = None
    span: Span | None = None
    label: str = ""
    secondary: tuple[Label, ...] = ()
    hints: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise _wrong_argument(f"code is one that `nasdsl explain` lists, not {self.code!r:.40}")
        if self.span is not None and self.source is None:
            raise _wrong_argument("span is None where source is None")

    @property
    def severity(self) -> Severity:
        """`error` or `warning`, as the table of codes says."""
        return CODES[self.code].severity

    @property
    def is_error(self) -> bool:
        """Whether this finding makes the file invalid."""
        return self.severity == "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        if self.source is None:
            return ""
        if self.span is None:
            return self.source.name
        line, column = self.source.position(self.span.start)
        return f"{self.source.name}:{line}:{column}"

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return visible(f"{place}{self.severity}[{self.code}]: {self.message}")


def _wrong_argument(message: str) -> "CellError":
    return CellError((Diagnostic("NAS008", message),))


class CellError(ValueError):
    """Raised by the Python API for a mistake in a text or in a request.

    `diagnostics` holds every finding of the run, warnings included; the message lists
    the errors, one per line.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = []
        for finding in self.diagnostics:
            if finding.is_error:
                lines.append(str(finding))
                lines += [visible(f"  help: {hint}") for hint in finding.hints]
        return lines

    def __reduce__(self) -> tuple[type["CellError"], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


def cell_error(code: str, message: str, *hints: str) -> CellError:
    """The error for a mistake that stands in no text: a flag, an argument, a file name."""
    return CellError((Diagnostic(code, message, hints=hints),))
