"""Source lines with carets under them.

Purpose: given line numbers, their texts and the places to mark, the picture a reader
knows from good compilers: gutter, line, carets, labels, bars along the left for spans of
several lines, and `...` for what is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len

from nasdsl.report.visible import Paint, visible_source

# Characters kept before a mark where a line is too long to show whole.
_CONTEXT = 24


@dataclass(frozen=True, slots=True)
class Mark:
    """Signs under the characters `start` to `end` of one line, and what they say.

    `bar` is the column of the bar on the left that a span of several lines hangs from;
    `opens` says that this is where such a span begins.
    """

    start: int
    end: int
    sign: str
    style: str
    label: str = ""
    bar: int | None = None
    opens: bool = False


class Line(NamedTuple):
    """A line of the source to be shown: its number, its text, and what stands under it.

    `slashes` are the bars that begin at this line's first character.
    """

    number: int
    text: str
    marks: tuple[Mark, ...] = ()
    slashes: tuple[tuple[int, str], ...] = ()


class _Piece(NamedTuple):
    """Text of one style that begins at a column."""

    column: int
    text: str
    style: str


def excerpt(lines: Sequence[Line], bars: int, limit: int, paint: Paint) -> Iterator[str]:
    """The rows of an excerpt, gutter included.

    `lines` are in order of their numbers; `bars` is how many bars there are; `limit` is
    the number of columns beyond which a line is cut.
    """
    gutter = len(str(max(line.number for line in lines)))
    blank = paint("gutter", f"{'':{gutter}} |")
    active: dict[int, str] = {}
    yield blank
    for before, line in zip([None, *lines], lines, strict=False):
        if before is not None and line.number > before.number + 1:
            dots = _Piece(0, "...", "gutter")
            offset = gutter + 3
            yield _row([dots, *_bar_pieces(active, offset)], paint)
        head = paint("gutter", f"{line.number:>{gutter}} |")
        for text, marks in _windows(line, limit):
            signs = [_Piece(2 * bar, "/", style) for bar, style in line.slashes]
            source = _Piece(2 * bars, text, "")
            yield _joined(head, _row([*_bar_pieces(active), *signs, source], paint))
            active |= dict(line.slashes)
            for pieces in _under(marks, bars, active):
                yield _joined(blank, _row(pieces, paint))


def _joined(gutter: str, row: str) -> str:
    return f"{gutter} {row}" if row else gutter


def _bar_pieces(active: dict[int, str], offset: int = 0) -> list[_Piece]:
    return [_Piece(offset + 2 * bar, "|", style) for bar, style in sorted(active.items())]


# -- lines that are too long --------------------------------------------------------------


def _windows(line: Line, limit: int) -> Iterator[tuple[str, list[Mark]]]:
    """The parts of a line to show, as visible text, with marks moved to display columns."""
    if len(line.text) <= limit and cell_len(visible_source(line.text)) <= limit:
        yield _displayed(line.text, 0, len(line.text), line.marks)
        return
    for group in _groups(line.marks, limit):
        first = min((mark.start for mark in group), default=0)
        last = max((min(mark.end, first + limit) for mark in group), default=0)
        start = max(0, first - max(_CONTEXT, (limit - (last - first)) // 2))
        end = min(len(line.text), start + limit)
        while end > last + 1 and cell_len(visible_source(line.text[start:end])) > limit:
            end -= 1
        yield _displayed(line.text, start, end, group)


def _groups(marks: Sequence[Mark], limit: int) -> Iterator[list[Mark]]:
    """Marks that fit into one window, in order."""
    group: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.start):
        if group and mark.start - group[0].start > limit - 2 * _CONTEXT:
            yield group
            group = []
        group.append(mark)
    yield group


def _displayed(text: str, start: int, end: int, marks: Iterable[Mark]) -> tuple[str, list[Mark]]:
    shown = visible_source(text[start:end])
    before, after = "..." if start else "", "..." if end < len(text) else ""
    room = len(before) + cell_len(shown)

    def column(at: int) -> int:
        if at >= end:
            return room + (at - end if end == len(text) else 0)
        return len(before) + cell_len(visible_source(text[start : max(at, start)]))

    moved = []
    for mark in marks:
        left = column(mark.start)
        moved.append(replace(mark, start=left, end=max(column(mark.end), left + 1)))
    return f"{before}{shown}{after}".rstrip(), moved


# -- rows under a line --------------------------------------------------------------------


def _under(marks: Sequence[Mark], bars: int, active: dict[int, str]) -> Iterator[list[_Piece]]:
    plain = sorted((mark for mark in marks if mark.bar is None), key=lambda mark: -mark.start)
    margin = 2 * bars
    for pieces in _carets(plain):
        moved = [piece._replace(column=piece.column + margin) for piece in pieces]
        yield [*_bar_pieces(active), *moved]
    for mark in sorted((m for m in marks if m.bar is not None), key=lambda m: not m.opens):
        assert mark.bar is not None
        others = {bar: style for bar, style in active.items() if bar != mark.bar}
        left = 2 * mark.bar
        right = margin + (mark.start if mark.opens else mark.end - 1)
        line = _Piece(left + 1, "_" * (right - left - 1), mark.style)
        sign = _Piece(right, f"{mark.sign} {mark.label}".rstrip(), mark.style)
        own = [] if mark.opens else [_Piece(left, "|", mark.style)]
        yield [line, sign, *own, *_bar_pieces(others)]
        if mark.opens:
            active[mark.bar] = mark.style
        else:
            active.pop(mark.bar, None)


def _carets(marks: Sequence[Mark]) -> Iterator[list[_Piece]]:
    """The signs, then one row for each label that does not fit beside them.

    `marks` are in order from right to left.
    """
    if not marks:
        return
    signs = [_Piece(m.start, m.sign * (m.end - m.start), m.style) for m in marks]
    # What explains is drawn first, so that what is explained covers it.
    signs.sort(key=lambda piece: piece.style != "second")
    last = marks[0]
    beside = all(mark.end <= last.start for mark in marks[1:])
    hanging = [mark for mark in marks[beside:] if mark.label]
    if beside and last.label:
        signs.append(_Piece(last.end + 1, last.label, last.style))
    yield signs
    if hanging:
        yield [_Piece(mark.start, "|", mark.style) for mark in hanging]
    for index, mark in enumerate(hanging):
        rest = [m for m in hanging[index + 1 :] if m.start < mark.start]
        label = _Piece(mark.start, mark.label, mark.style)
        yield [*(_Piece(m.start, "|", m.style) for m in rest), label]


def _row(pieces: Sequence[_Piece], paint: Paint) -> str:
    """Pieces side by side; where two overlap, the later one is seen."""
    painted: list[str] = []
    styles: list[str] = []
    for piece in pieces:
        missing = piece.column + len(piece.text) - len(painted)
        painted += [" "] * missing
        styles += [""] * missing
        for offset, char in enumerate(piece.text):
            painted[piece.column + offset] = char
            styles[piece.column + offset] = piece.style
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(styles)) if a != b), len(styles)]
    runs = (("".join(painted[a:b]), styles[a]) for a, b in pairwise(cuts) if b > a)
    return "".join(paint(style, text) for text, style in runs).rstrip()
