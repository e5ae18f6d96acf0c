"""Findings for people: the message, the source line with carets, the ways out.

Purpose: `as_text`, in the layout rustc has made familiar.
The caller knows whether colour is wanted; nothing is wrapped to the terminal.
"""

from collections.abc import Iterator, Sequence

from nasdsl.errors import Diagnostic, Fix, Label, Source, Span, plural
from nasdsl.report.excerpt import Line, Mark, excerpt
from nasdsl.report.visible import Paint, shortened, visible
from nasdsl.values import CountOrNone, require_types, typed

#: Columns of a source line that are shown before it is cut.
LIMIT = 120

_LONGEST_MESSAGE = 1_000
_MAX_FIXES = 3
_MAX_LINES_OF_FIX = 6
# Of a span of many lines this many are shown at its start and end.
_EDGE_LINES = 2


@typed
def as_text(
    findings: Sequence[Diagnostic], *, colour: bool = False, limit: CountOrNone = LIMIT
) -> str:
    """All findings and a closing summary, "" where there are none.

    Args:
        findings: what to report, in this order.
        colour: whether ANSI codes may stand in the text. No other escape ever does.
        limit: source lines wider than this many columns are cut around their spans.
    """
    require_types(findings=(findings, Sequence))
    if not findings:
        return ""
    paint = Paint(colour)
    parts = ["\n".join(_finding(finding, limit, paint)) for finding in findings]
    return "\n\n".join([*parts, _summary(findings, paint)]) + "\n"


def _finding(finding: Diagnostic, limit: int, paint: Paint) -> Iterator[str]:
    severity = finding.severity
    head = paint(severity, f"{severity}[{finding.code}]")
    yield head + paint("strong", f": {_message(finding.message)}")
    hints, titles = _hints_and_titles(finding)
    gutter = " "
    if finding.source is not None and finding.span is not None:
        lines, bars = _lines(finding, finding.source, finding.span)
        gutter = " " * len(str(max(line.number for line in lines)))
        yield gutter + paint("gutter", "--> ") + visible(finding.place)
        yield from excerpt(lines, bars, limit, paint)
        if hints:
            yield paint("gutter", f"{gutter} |")
    elif finding.source is not None:
        yield gutter + paint("gutter", "--> ") + visible(finding.place)
    for hint in hints:
        yield f"{gutter} {paint('gutter', '=')} {paint('help', 'help')}: {_message(hint)}"
    if finding.source is not None:
        for fix, title in zip(finding.fixes[:_MAX_FIXES], titles, strict=False):
            yield f"{paint('help', 'help')}: {_message(title)}"
            yield from _fixed_lines(finding.source, fix, limit, paint)


def _message(text: str) -> str:
    return visible(shortened(text, _LONGEST_MESSAGE))


def _hints_and_titles(finding: Diagnostic) -> tuple[list[str], list[str]]:
    """Hints without those that say what a fix shows, and what is said above each fix."""
    hints, titles = list(finding.hints), []
    for fix in finding.fixes:
        quoted = f"`{fix.replacement}`"
        same = [hint for hint in hints if fix.replacement and quoted in hint]
        hints = [hint for hint in hints if hint not in same[:1]]
        titles.append(same[0] if same else fix.title)
    return hints, titles


# -- where it is --------------------------------------------------------------------------


def _lines(finding: Diagnostic, source: Source, span: Span) -> tuple[list[Line], int]:
    """The lines to show with their marks, and how many spans take several lines."""
    first = (Label(span, finding.label), "^", finding.severity)
    labels = [first, *((label, "-", "second") for label in finding.secondary)]
    marks: dict[int, list[Mark]] = {}
    slashes: dict[int, list[tuple[int, str]]] = {}
    bars = 0
    for label, sign, style in sorted(labels, key=lambda item: item[0].span):
        text = _message(label.text)
        start = source.position(label.span.start)
        # A span that ends with a newline ends in that newline's line, at its last character.
        end = source.position(max(label.span.end - 1, label.span.start))
        left, right = start.column - 1, min(end.column, max(len(source.line(end.line)), 1))
        if start.line == end.line:
            mark = Mark(left, right, sign, style, text)
            marks.setdefault(start.line, []).append(mark)
            continue
        if source.line(start.line)[:left].strip():
            opening = Mark(left, left + 1, sign, style, bar=bars, opens=True)
            marks.setdefault(start.line, []).append(opening)
        else:
            slashes.setdefault(start.line, []).append((bars, style))
        closing = Mark(right - 1, right, sign, style, text, bar=bars)
        marks.setdefault(end.line, []).append(closing)
        for number in (*range(start.line, start.line + _EDGE_LINES), end.line - 1):
            if start.line <= number <= end.line:
                marks.setdefault(number, [])
        bars += 1
    numbers = sorted(marks.keys() | slashes.keys())
    # One line between two that are shown is shown: `...` would take as much room.
    between = {a + 1 for a in numbers if a + 2 in numbers}
    return [
        Line(
            number,
            source.line(number),
            tuple(marks.get(number, ())),
            tuple(slashes.get(number, ())),
        )
        for number in sorted({*numbers, *between})
    ], bars


# -- the way out --------------------------------------------------------------------------


def _fixed_lines(source: Source, fix: Fix, limit: int, paint: Paint) -> Iterator[str]:
    """The lines as they are once the fix is applied; a pure removal shows both."""
    first = source.position(fix.span.start).line
    last = source.position(fix.span.end).line
    old = [source.line(number) for number in range(first, min(last, first + 20) + 1)]
    head = source.text[source.line_start(first) : fix.span.start]
    tail = source.line(last)[fix.span.end - source.line_start(last) :]
    new = (head + fix.replacement + tail).split("\n")
    if not fix.replacement:
        yield from _removal(first, old, new, limit, paint)
        return
    sign, style = ("+", "added") if fix.span.start == fix.span.end else ("~", "help")
    lines, at = [], len(head)
    for offset, piece in enumerate(fix.replacement.split("\n")):
        marks = (Mark(at, at + len(piece), sign, style),) if piece.strip() else ()
        lines.append(Line(first + offset, new[offset].rstrip("\r"), marks))
        at = 0
    yield from excerpt(lines[:_MAX_LINES_OF_FIX], 0, limit, paint)


def _removal(first: int, old: list[str], new: list[str], limit: int, paint: Paint) -> Iterator[str]:
    gutter = len(str(first + min(len(old), _MAX_LINES_OF_FIX) - 1))
    yield paint("gutter", f"{'':{gutter}} |")
    kept = [line for line in new if line.strip()]
    for sign, style, lines in (("-", "removed", old), ("+", "added", kept)):
        for offset, line in enumerate(lines[:_MAX_LINES_OF_FIX]):
            text = visible(shortened(line, limit).replace("\t", "    ")).rstrip()
            yield paint("gutter", f"{first + offset:>{gutter}} ") + paint(style, f"{sign} {text}")


# -- the end ------------------------------------------------------------------------------


def _summary(findings: Sequence[Diagnostic], paint: Paint) -> str:
    errors = sum(finding.is_error for finding in findings)
    warnings = len(findings) - errors
    counted = [
        paint(style, plural(count, style, "d"))
        for style, count in (("error", errors), ("warning", warnings))
        if count
    ]
    code = next((f.code for f in findings if f.is_error), findings[0].code)
    return f"{' and '.join(counted)}; `nasdsl explain {code}` says more"
