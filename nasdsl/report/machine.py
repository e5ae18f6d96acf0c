"""Findings for scripts: one JSON object.

Purpose: `as_json` and the object behind it; its keys are a promise.
Non-goals: rendering for people.

Lines and columns count from 1, offsets from 0; all three count Unicode characters of the
text (a byte order mark is not part of it), and every range is half-open.
"""

import json
from collections.abc import Sequence
from typing import Any

from nasdsl.errors import CODES, Diagnostic, Source, Span

#: Raised when a key changes its meaning or goes away; new keys may come without.
VERSION = 1

Object = dict[str, Any]


def as_json(findings: Sequence[Diagnostic]) -> str:
    """The object of `as_object`, indented, in ASCII, with a newline at the end."""
    return json.dumps(as_object(findings), indent=2) + "\n"


def as_object(findings: Sequence[Diagnostic]) -> Object:
    """`{"version": 1, "errors": n, "warnings": n, "findings": [...]}`."""
    errors = sum(finding.is_error for finding in findings)
    return {
        "version": VERSION,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [_finding(finding) for finding in findings],
    }


def _finding(finding: Diagnostic) -> Object:
    source = finding.source
    return {
        "code": finding.code,
        "title": CODES[finding.code].title,
        "severity": finding.severity,
        "message": finding.message,
        "file": None if source is None else source.name,
        "range": _range(source, finding.span),
        "label": finding.label,
        "labels": [
            {"range": _range(source, label.span), "text": label.text} for label in finding.secondary
        ],
        "hints": list(finding.hints),
        "fixes": [
            {
                "title": fix.title,
                "range": _range(source, fix.span),
                "replacement": fix.replacement,
            }
            for fix in finding.fixes
        ],
    }


def _range(source: Source | None, span: Span | None) -> Object | None:
    if source is None or span is None:
        return None
    return {"start": _place(source, span.start), "end": _place(source, span.end)}


def _place(source: Source, offset: int) -> Object:
    line, column = source.position(offset)
    return {"line": line, "column": column, "offset": offset}
