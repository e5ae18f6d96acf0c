"""What is wrong, where, and the way out: data only.

Purpose: one type for every message nasdsl has for its users.
Non-goals: rendering (`nasdsl.report`) and deciding what is wrong (each stage does).
"""

from dataclasses import dataclass
from typing import Literal

from nasdsl.errors.codes import CODES
from nasdsl.errors.source import Source, Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the first: "b2 is first defined here"."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit a machine may apply: put `replacement` where `span` is."""

    span: Span
    replacement: str
    title: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `message` stands alone; `label` is what the caret says; `hints` are ways out in
    words; `fixes` are ways out a machine can take. `source` and `span` are None where
    the mistake is not in a text (a command line flag, a keyword argument).
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
        assert self.code in CODES, self.code
        assert (self.span is None) or (self.source is not None)

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
        return f"{place}{self.severity}[{self.code}]: {self.message}"


class CellError(ValueError):
    """Raised by the Python API for a mistake in a text or in a request.

    `diagnostics` holds every finding of the run, warnings included; the message lists
    the errors, one a line.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = []
        for finding in self.diagnostics:
            if finding.is_error:
                lines.append(str(finding))
                lines += [f"  help: {hint}" for hint in finding.hints]
        return lines

    def __reduce__(self) -> tuple[type["CellError"], tuple[tuple[Diagnostic, ...]]]:
        return type(self), (self.diagnostics,)


def cell_error(code: str, message: str, *hints: str) -> CellError:
    """The error for a mistake that stands in no text: a flag, an argument, a file name."""
    return CellError((Diagnostic(code, message, hints=hints),))
