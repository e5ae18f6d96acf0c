"""Findings for programs: JSON for scripts, annotations for GitHub, SARIF 2.1.0 for code scanners.

JSON: lines and columns count from 1, offsets from 0; all three count Unicode characters of the
text (a byte order mark is not part of it), and every range is half-open. The keys are a promise.

GitHub: no text of a finding can start another workflow command. Everything that a command ends
at is escaped, and every finding takes exactly one line.

SARIF: columns count Unicode characters, as `columnKind` says, and rules contain the explanations
that `nasdsl explain` prints. Optional parts that nothing here would fill (fingerprints,
taxonomies) are left out.
"""

import json
import os
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from nasdsl.errors import CODES, Diagnostic, Fix, Source, Span
from nasdsl.errors.explain import explanation
from nasdsl.report.visible import visible
from nasdsl.values import require_types, typed

#: Of the JSON object. It is raised when a key changes its meaning or is removed, not for new keys.
VERSION = 1

Object = dict[str, Any]


@typed
def as_json(findings: Sequence[Diagnostic]) -> str:
    """The object of `as_object`, indented, in ASCII, with a newline at the end."""
    require_types(findings=(findings, Sequence))
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
                "safe": fix.safe,
            }
            for fix in finding.fixes
        ],
    }


def _range(source: Source | None, span: Span | None) -> Object | None:
    if source is None or span is None:
        return None
    return {"start": _position(source, span.start), "end": _position(source, span.end)}


def _position(source: Source, offset: int) -> Object:
    line, column = source.position(offset)
    return {"line": line, "column": column, "offset": offset}


# -- annotations for GitHub Actions: workflow commands -----------------------------------

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


@typed
def as_github(findings: Sequence[Diagnostic]) -> str:
    """One `::error ...::...` or `::warning ...::...` line a finding."""
    require_types(findings=(findings, Sequence))
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Diagnostic) -> str:
    properties = [
        *_file_and_lines(finding),
        ("title", f"{finding.code}: {CODES[finding.code].title}"),
    ]
    listed = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties)
    message = _sentences(finding)
    return f"::{finding.severity} {listed}::{message.translate(_DATA)}"


def _sentences(finding: Diagnostic) -> str:
    """What a finding says, the message and each hint on its own line, safe to print."""
    label = f" ({finding.label})" if finding.label else ""
    sentences = [f"{finding.message}{label}", *(f"help: {hint}" for hint in finding.hints)]
    return "\n".join(map(visible, sentences))


def _file_and_lines(finding: Diagnostic) -> list[tuple[str, str]]:
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


# -- SARIF for code scanners --------------------------------------------------------------

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# What SARIF gives a meaning inside a message, beside `[text](link)`.
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


@typed
def as_sarif(findings: Sequence[Diagnostic], tool_version: str = "") -> str:
    """A SARIF 2.1.0 log in ASCII, with a newline at the end.

    Args:
        findings: what to report, in this order.
        tool_version: nasdsl's version, "" to leave it out.
    """
    require_types(findings=(findings, Sequence))
    codes = sorted({finding.code for finding in findings})
    driver: Object = {"name": "nasdsl", "rules": [_rule(code) for code in codes]}
    if tool_version:
        driver["version"] = tool_version
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code)) for finding in findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _rule(code: str) -> Object:
    title, severity = CODES[code]
    text = explanation(code)
    return {
        "id": code,
        "shortDescription": {"text": title},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": severity},
    }


def _result(finding: Diagnostic, rule: int) -> Object:
    result: Object = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": _message(_sentences(finding)),
    }
    source = finding.source
    if source is None:
        return result
    result["locations"] = [_location(source, finding.span)]
    if finding.secondary:
        result["relatedLocations"] = [
            {"id": number, "message": _message(visible(label.text))} | _location(source, label.span)
            for number, label in enumerate(finding.secondary)
        ]
    if finding.fixes:
        result["fixes"] = [_fix(source, fix) for fix in finding.fixes]
    return result


def _message(text: str) -> Object:
    # A space between its brackets keeps text from becoming a link in a viewer.
    plain = _PLACEHOLDER.sub(r"{{\1}}", text.replace("](", "] ("))
    return {"text": plain or " "}


def _location(source: Source, span: Span | None) -> Object:
    place: Object = {"artifactLocation": _artifact(source)}
    if span is not None:
        place["region"] = _region(source, span)
    return {"physicalLocation": place}


def _region(source: Source, span: Span) -> Object:
    start, end = source.position(span.start), source.position(span.end)
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "charOffset": span.start,
        "charLength": span.end - span.start,
    }


def _fix(source: Source, fix: Fix) -> Object:
    replacement = {
        "deletedRegion": _region(source, fix.span),
        "insertedContent": {"text": fix.replacement},
    }
    change = {"artifactLocation": _artifact(source), "replacements": [replacement]}
    return {"description": _message(visible(fix.title)), "artifactChanges": [change]}


def _artifact(source: Source) -> Object:
    # Where a backslash stands between folders it is no part of a name.
    is_windows = os.sep == "\\" or re.match(r"[A-Za-z]:\\", source.name)
    name = source.name.replace("\\", "/") if is_windows else source.name
    path = quote(name, safe="/", errors="surrogatepass")
    if re.match(r"[A-Za-z]%3A/", path):
        return {"uri": f"file:///{path[0]}:{path[4:]}"}
    return {"uri": f"file://{path}" if name.startswith("/") else path}
