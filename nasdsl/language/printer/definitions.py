"""Definitions of ops and combines: how they are broken into lines.

Purpose: the one layout of definitions, shared by the formatter and the printers.
Non-goals: comments inside a definition; the formatter places those.
"""

from collections.abc import Sequence

from nasdsl.language.printer.columns import INDENT

WIDTH = 100


def definition_lines(head: str, forms: Sequence[str]) -> list[str]:
    """The lines of `head` ("op identity =") and its forms: one, or one a form and more.

    A form that is too long for a line is broken after a comma.
    """
    line = f"{head} {' else '.join(forms)}"
    if len(line) <= WIDTH:
        return [line]
    lines = []
    for number, form in enumerate(forms):
        lines += _wrapped(f"{INDENT}else {form}" if number else f"{head} {form}")
    return lines


def _wrapped(line: str) -> list[str]:
    current, *pieces = line.split(", ")
    lines = []
    for piece in pieces:
        if len(current) + len(piece) + 3 > WIDTH:
            lines.append(f"{current},")
            current = f"{INDENT}{INDENT}{piece}"
        else:
            current = f"{current}, {piece}"
    return [*lines, current]
