"""Findings for code scanners: SARIF 2.1.0.

Purpose: `as_sarif`, a log with one run: the rules that were broken, and where.
Non-goals: SARIF's optional parts that nothing here would fill (fingerprints, taxonomies).

Columns count Unicode characters, as `columnKind` says. Rules carry the explanations that
`nasdsl explain` prints.
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from nasdsl.errors import CODES, Diagnostic, Fix, Source, Span
from nasdsl.errors.explain import explanation
from nasdsl.report.visible import visible

Object = dict[str, Any]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# What SARIF gives a meaning inside a message, beside `[text](link)`.
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def as_sarif(findings: Sequence[Diagnostic], tool_version: str = "") -> str:
    """A SARIF 2.1.0 log in ASCII, with a newline at the end.

    Args:
        findings: what to report, in this order.
        tool_version: nasdsl's version, "" to leave it out.
    """
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
    label = f" ({finding.label})" if finding.label else ""
    sentences = [f"{finding.message}{label}", *(f"help: {hint}" for hint in finding.hints)]
    result: Object = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": _message("\n".join(map(visible, sentences))),
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
    name = source.name.replace("\\", "/") if re.match(r"[A-Za-z]:\\", source.name) else source.name
    path = quote(name, safe="/", errors="surrogatepass")
    if re.match(r"[A-Za-z]%3A/", path):
        return {"uri": f"file:///{path[0]}:{path[4:]}"}
    return {"uri": f"file://{path}" if name.startswith("/") else path}
