"""Changes of a text that an editor offers: fixes of findings, all fixes, formatting."""

from typing import NamedTuple

from nasdsl.errors import Diagnostic, Fix, Span
from nasdsl.language.fixes import safe_fixes
from nasdsl.language.printer.format import formatted_text
from nasdsl.service.document import Document


class Action(NamedTuple):
    """A fix of a finding, or with no fix the offer to explain its code."""

    title: str
    finding: Diagnostic
    fix: Fix | None


def actions(document: Document, span: Span) -> tuple[Action, ...]:
    """What can be done about the findings that touch a span."""
    found: list[Action] = []
    for finding in document.diagnostics:
        place = finding.span
        if place is None or place.end < span.start or place.start > span.end:
            continue
        found += [Action(fix.title, finding, fix) for fix in finding.fixes]
        found.append(Action(f"explain {finding.code}", finding, None))
    return tuple(found)


def all_safe_fixes(document: Document) -> tuple[Fix, ...]:
    """What `nasdsl check --fix` would do: fixes of which nothing else can be meant."""
    return safe_fixes(document.diagnostics)


def formatting(document: Document) -> Fix | None:
    """The edit that puts a text in the one style; None where it is, or has syntax errors."""
    if any(found.is_error for found in document.parsed.diagnostics):
        return None
    old, new = document.text, formatted_text(document.parsed)
    if old == new:
        return None
    start = _common(old, new)
    longest = min(len(old), len(new)) - start
    end = _common(old[: start - len(old) - 1 : -1], new[: start - len(new) - 1 : -1])
    end = min(end, longest)
    return Fix(Span(start, len(old) - end), new[start : len(new) - end], "format")


def _common(one: str, other: str) -> int:
    """The length of what both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
