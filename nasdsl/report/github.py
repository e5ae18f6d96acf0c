"""Findings for GitHub Actions: workflow commands, which become annotations.

Purpose: `as_github`.
Non-goals: the runner's other commands. No text of a finding can start one: everything a
command ends at is escaped, and every finding takes exactly one line.
"""

from collections.abc import Sequence

from nasdsl.errors import CODES, Diagnostic
from nasdsl.report.visible import visible

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def as_github(findings: Sequence[Diagnostic]) -> str:
    """One `::error ...::...` or `::warning ...::...` line a finding."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Diagnostic) -> str:
    properties = [*_place(finding), ("title", f"{finding.code}: {CODES[finding.code].title}")]
    listed = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties)
    message = "\n".join(map(visible, _sentences(finding)))
    return f"::{finding.severity} {listed}::{message.translate(_DATA)}"


def _sentences(finding: Diagnostic) -> list[str]:
    label = f" ({finding.label})" if finding.label else ""
    return [f"{finding.message}{label}", *(f"help: {hint}" for hint in finding.hints)]


def _place(finding: Diagnostic) -> list[tuple[str, str]]:
    if finding.source is None:
        return []
    # A file name keeps its characters; only what would end the property is escaped.
    file = ("file", visible(finding.source.name))
    if finding.span is None:
        return [file]
    start = finding.source.position(finding.span.start)
    end = finding.source.position(finding.span.end)
    lines = [("line", str(start.line)), ("endLine", str(end.line))]
    if start.line != end.line:
        return [file, *lines]  # GitHub takes columns only within one line.
    # GitHub's columns are inclusive at both ends.
    last = max(start.column, end.column - 1)
    return [file, *lines, ("col", str(start.column)), ("endColumn", str(last))]
