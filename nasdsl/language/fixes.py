"""Fixes that a machine may apply unasked.

Purpose: what `nasdsl check --fix` writes.
Non-goals: which fixes are safe; whoever finds a mistake says so.
"""

from collections.abc import Iterable

from nasdsl.errors import Diagnostic, Fix


def safe_fixes(findings: Iterable[Diagnostic]) -> tuple[Fix, ...]:
    """The safe fixes of some findings about one text, in its order; none overlaps another."""
    wanted = sorted(
        {fix for finding in findings for fix in finding.fixes if fix.safe},
        key=lambda fix: fix.span,
    )
    chosen: list[Fix] = []
    for fix in wanted:
        if not chosen or chosen[-1].span.end <= fix.span.start:
            chosen.append(fix)
    return tuple(chosen)


def fixed_text(text: str, fixes: Iterable[Fix]) -> str:
    """The text with fixes applied, which must be in its order and not overlap."""
    parts, end = list[str](), 0
    for fix in fixes:
        parts += [text[end : fix.span.start], fix.replacement]
        end = fix.span.end
    return "".join([*parts, text[end:]])
