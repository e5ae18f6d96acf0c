"""Lines: the layout of block tuples and definitions, shared by the formatter and the printers.

Purpose: the fields of a cell's blocks line up under one another, and long definitions are broken.
The formatter places comments and blank lines.
"""

from collections.abc import Iterable, Sequence

INDENT = "    "

# A text wider than this stands out of its column, or one long name would pad every line.
_WIDEST = 200


def aligned_tuples(rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """One text a row: its head ("b0 =", "5 *"), then its fields as an aligned tuple.

    `[("b0 =", ("h[i]", "b1")), ...]` gives `["b0 = (h[i], b1)", ...]`.
    """
    head_width = column_width(head for head, _ in rows)
    widths = _field_widths([fields for _, fields in rows])
    return [
        f"{_padded_head(head, head_width)} ({_padded_fields(fields, widths)})"
        for head, fields in rows
    ]


def column_width(texts: Iterable[str]) -> int:
    """The width that `texts` are padded to, so that what follows them lines up."""
    return max((width for width in map(len, texts) if width <= _WIDEST), default=0)


def _field_widths(tuples: Sequence[Sequence[str]]) -> list[int]:
    widths: list[int] = []
    for fields in tuples:
        widths += [0] * (len(fields) - len(widths))
        for column, text in enumerate(fields):
            if widths[column] < len(text) <= _WIDEST:
                widths[column] = len(text)
    return widths


def _padded_head(head: str, width: int) -> str:
    name, sign = head[:-1], head[-1]
    return f"{name.ljust(width - 1)}{sign}"


def _padded_fields(fields: Sequence[str], widths: Sequence[int]) -> str:
    if not fields:
        return ""
    padded = [f"{text},".ljust(width + 2) for text, width in zip(fields[:-1], widths, strict=False)]
    return "".join(padded) + fields[-1]


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
        lines += wrapped(f"{INDENT}else {form}" if number else f"{head} {form}")
    return lines


def wrapped(line: str) -> list[str]:
    """The line, broken after commas; each part fits the width where its pieces do."""
    current, *pieces = line.split(", ")
    lines = []
    for piece in pieces:
        if len(current) + len(piece) + 3 > WIDTH:
            lines.append(f"{current},")
            current = f"{INDENT}{INDENT}{piece}"
        else:
            current = f"{current}, {piece}"
    return [*lines, current]
