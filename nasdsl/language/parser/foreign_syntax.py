"""Habits from other languages: comments, quotes, whole files of another kind.

Purpose: each is one finding, and is blanked, so that the rest is read as if it were not there.
Non-goals: mistakes of this language (`nasdsl.language.parser.recovery`).
"""

import re

from nasdsl.errors import Diagnostic, Fix, Source, Span

# Every repetition is bounded or possessive: adversarial texts take linear time too.
_COMMENT_OR_HABIT = re.compile(
    r"#[^\n]*+"
    r"|\w\s{0,9}\[[^\]\n]{0,40}\]"
    r"|(?<!\w)(?P<dashed>[A-Za-z_]\w*+(?:-\w++)++)"
    r"|(?P<comment>//[^\n]*+|/\*.{0,200}?\*/)"
    r"|(?P<quote>['\"`])(?P<name>\w*+)(?P=quote)",
    re.DOTALL,
)
# What each of these habits has, and a `.cell` text only in comments: nearly always it is not there,
# and looking for it takes a fraction of the time. The dash of `h[i-1]` is none.
_MARK = re.compile(r"//|/\*|['\"`]|-(?:(?<!\w\[i-)|(?!\d{1,30}\]))\w")
# How files of other kinds begin, after white space.
_FOREIGN = (
    (re.compile(r"\s*[\[{]"), "JSON"),
    (re.compile(r"\s*<"), "HTML or XML"),
    (re.compile(r"\s*(---\s|[\w-]+:(\s|$))"), "YAML"),
    (re.compile(r"[\s\S]{0,4000}?\bGenotype\s*\("), "a DARTS genotype in Python"),
    (re.compile(r"\s*(import|from|def|class|return|@)\b"), "Python"),
)


def without_foreign_syntax(source: Source, text: str, most: int) -> tuple[str, list[Diagnostic]]:
    """The text with foreign comments and quotes blanked, and at most `most` findings."""
    findings: list[Diagnostic] = []
    if _MARK.search(text) is None:
        return text, findings
    pieces, at = [], 0
    for match in _COMMENT_OR_HABIT.finditer(text):
        if not (match["dashed"] or match["comment"] or match["quote"]):
            continue
        span = Span(*match.span())
        pieces += [text[at : span.start], _blanked(match)]
        at = span.end
        if len(findings) < most:
            findings.append(_finding(source, span, match))
    return "".join([*pieces, text[at:]]), findings


def foreign_kind(text: str) -> str | None:
    """What a text looks like that is no `.cell` file; None where nothing says so."""
    return next((kind for pattern, kind in _FOREIGN if pattern.match(text)), None)


def foreign_file_finding(source: Source, kind: str) -> Diagnostic:
    """One finding in place of one for each bracket and quote."""
    start = len(source.text) - len(source.text.lstrip())
    stop = source.text.find("\n", start)
    return Diagnostic(
        "NAS101",
        f"this looks like {kind}, not like a `.cell` file",
        source,
        Span(start, len(source.text) if stop < 0 else stop),
        label="a `.cell` file begins with `genotype NAME` or `vocabulary NAME`",
        hints=("`nasdsl show nasnet_a` prints one",),
    )


def _finding(source: Source, span: Span, match: re.Match[str]) -> Diagnostic:
    if match["quote"]:
        return _quotes_finding(source, span, match)
    return _dash_finding(source, span, match[0]) if match["dashed"] else _comment(source, span)


def _blanked(match: re.Match[str]) -> str:
    if match["dashed"]:
        return match[0].replace("-", "_")
    if match["quote"]:
        return f" {match['name']} "
    return re.sub(r"[^\n]", " ", match[0])


def _comment(source: Source, span: Span) -> Diagnostic:
    marks = source.text[span.start : span.start + 2]
    start = Span(span.start, span.start + 2)
    fixes = (Fix(start, "#", "write `#`", safe=True),) if marks == "//" else ()
    return Diagnostic(
        "NAS104",
        f"`{marks}` has no meaning here",
        source,
        start,
        label="comments start with `#`",
        fixes=fixes,
    )


def _dash_finding(source: Source, span: Span, name: str) -> Diagnostic:
    joined = name.replace("-", "_")
    return Diagnostic(
        "NAS104",
        f"`-` has no meaning in the name `{name[:60]}`",
        source,
        span,
        label="words of a name are joined with `_`",
        fixes=(Fix(span, joined, f"write `{joined[:60]}`", safe=True),),
    )


def _quotes_finding(source: Source, span: Span, match: re.Match[str]) -> Diagnostic:
    return Diagnostic(
        "NAS104",
        f"`{match[0][:60]}` is quoted",
        source,
        span,
        label="names are written without quotes",
        fixes=(Fix(span, match["name"], "remove the quotes", safe=True),),
    )
