"""Columns: the one layout of block tuples, shared by the formatter and the printers.

Purpose: the fields of a cell's blocks line up under one another.
Non-goals: comments and blank lines; the formatter places those.
"""

from collections.abc import Sequence

INDENT = "    "


def aligned_tuples(rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """One text a row: its head ("b0 =", "5 *"), then its fields as an aligned tuple.

    `[("b0 =", ("h[i]", "b1")), ...]` gives `["b0 = (h[i], b1)", ...]`.
    """
    head_width = max((len(head) for head, _ in rows), default=0)
    widths = _field_widths([fields for _, fields in rows])
    return [
        f"{_padded_head(head, head_width)} ({_padded_fields(fields, widths)})"
        for head, fields in rows
    ]


def _field_widths(tuples: Sequence[Sequence[str]]) -> list[int]:
    count = max((len(fields) for fields in tuples), default=0)
    return [
        max((len(fields[column]) for fields in tuples if column < len(fields)), default=0)
        for column in range(count)
    ]


def _padded_head(head: str, width: int) -> str:
    name, sign = head[:-1], head[-1]
    return f"{name:<{width - 1}}{sign}"


def _padded_fields(fields: Sequence[str], widths: Sequence[int]) -> str:
    if not fields:
        return ""
    padded = [f"{text},".ljust(width + 2) for text, width in zip(fields[:-1], widths, strict=False)]
    return "".join(padded) + fields[-1]
