"""Pictures of cells: layouts beside one another, with titles, notes and a legend.

Purpose: from sketches to a page. Places within a cell come from `nasdsl.drawing.layout`.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

from nasdsl.drawing.layout import Path, Point, Size, SketchLayout, sketch_layout
from nasdsl.drawing.lettering import LONGEST_NAME, width
from nasdsl.drawing.page import Page, PageLine, PlacedBox, box_size, text_box
from nasdsl.drawing.sketch import OP_LOOK_NAMES, Box, Sketch
from nasdsl.drawing.themes import BoxLook, Direction, DrawingOptions, Ink, Theme, find_theme
from nasdsl.report.visible import shortened, visible

#: An entry of a legend: a colour, and what it means.
LegendEntry = tuple[Ink, str]

_CELL_GAP, _TITLE, _NOTE = 34.0, 27.0, 15.0
_HEADING_SIZE, _TITLE_SIZE, _NOTE_SIZE = 14.0, 12.0, 9.0
_ROW = 17.0
#: The longest name that is put on one line where the flow is sideways, in points.
_WIDEST = 96.0

_WORDS: dict[BoxLook, str] = {
    "input": "hidden state",
    "choice": "any of these states",
    **OP_LOOK_NAMES,
    "open": "any of these ops",
    "combine": "combine",
    "open_combine": "any of these combines",
    "output": "output",
}


def cells_page(
    sketches: Sequence[Sketch],
    options: DrawingOptions,
    legend: Sequence[LegendEntry] = (),
    notes: Sequence[str] = (),
) -> Page:
    """Sketches beside one another (below one another where the flow is sideways)."""
    theme = find_theme(options.theme)
    upright = options.direction in ("up", "down")
    sketches = sketches if upright else [_widened(each) for each in sketches]
    along = _along(sketches, upright)

    def size_of(box: Box) -> Size:
        wide, tall = box_size(box.lines)
        size = Size(wide, tall) if upright else Size(tall, wide)
        return size._replace(along=along.get(box.id, size.along))

    pages = [_page(sketch_layout(each, size_of), theme, options.direction) for each in sketches]
    page = _beside(pages) if upright else _below(pages)
    return with_legend(with_notes(page, notes, theme), legend, theme)


def _widened(sketch: Sketch) -> Sketch:
    """The sketch with what boxes say on one line each, where there is room for that."""

    def widened(box: Box) -> Box:
        text = (", " if box.look == "choice" else " ").join(box.lines)
        return replace(box, lines=(text,)) if width(text) <= _WIDEST else box

    units = tuple(
        replace(unit, feet=tuple(map(widened, unit.feet)), head=unit.head and widened(unit.head))
        for unit in sketch.units
    )
    return replace(sketch, units=units)


def _along(sketches: Sequence[Sketch], upright: bool) -> dict[str, float]:
    """Ops are all as long along the flow, so that they stand in rows."""
    feet = [
        box for each in sketches for unit in each.units if unit.role == "block" for box in unit.feet
    ]
    longest = max((box_size(box.lines)[upright] for box in feet), default=0.0)
    return {box.id: longest for box in feet}


# -- cells on a page ----------------------------------------------------------------------


def _page(layout: SketchLayout, theme: Theme, direction: Direction) -> Page:
    """A layout turned the way the states flow, with its title below."""
    upright = direction in ("up", "down")
    boxes = []
    for box in (box for unit in layout.sketch.units for box in unit.boxes):
        x, y = _turned(layout.centres[box.id], layout.size, direction)
        across, along = layout.sizes[box.id]
        wide, tall = (across, along) if upright else (along, across)
        ink = theme.dim if box.dim else theme.boxes[box.look]
        boxes.append(PlacedBox(box.id, box.lines, x, y, wide, tall, ink))
    lines = tuple(_line(path, layout.size, direction, theme) for path in layout.paths)
    across, along = layout.size
    wide, tall = (across, along) if upright else (along, across)
    return _titled(Page(tuple(boxes), lines, wide, tall), layout.sketch, theme)


def _turned(point: Point, size: Size, direction: Direction) -> tuple[float, float]:
    """From across and along the flow to x and y, the left operand left or on top."""
    along = point.along if direction in ("up", "right") else size.along - point.along
    if direction in ("up", "down"):
        return point.across, along
    return along, size.across - point.across


def _line(path: Path, size: Size, direction: Direction, theme: Theme) -> PageLine:
    wire = path.wire
    colour = theme.dim_stroke if wire.dim else theme.strokes[wire.stroke]
    turned = tuple(_turned(point, size, direction) for point in path.points)
    return PageLine(wire.tail, wire.head, turned, colour, wire.stroke in theme.dashed)


def _titled(page: Page, sketch: Sketch, theme: Theme) -> Page:
    if not sketch.title:
        return page
    whole = max(page.width, width(sketch.title, _TITLE_SIZE) + 4.0)
    moved = page.moved((whole - page.width) / 2, _TITLE)
    id = f"{sketch.id}.title"
    title = text_box(id, sketch.title, whole / 2, _TITLE_SIZE / 2, _TITLE_SIZE, theme)
    return Page((*moved.boxes, title), moved.lines, whole, page.height + _TITLE)


def _beside(pages: Sequence[Page]) -> Page:
    at, moved = 0.0, []
    for page in pages:
        moved.append(page.moved(at, 0.0))
        at += page.width + _CELL_GAP
    return _joined(moved, at - _CELL_GAP, max(page.height for page in pages))


def _below(pages: Sequence[Page]) -> Page:
    widest = max(page.width for page in pages)
    at, moved = 0.0, []
    for page in reversed(pages):
        moved.append(page.moved((widest - page.width) / 2, at))
        at += page.height + _CELL_GAP
    return _joined(moved[::-1], widest, at - _CELL_GAP)


def _joined(pages: Sequence[Page], wide: float, tall: float) -> Page:
    boxes = tuple(place for page in pages for place in page.boxes)
    return Page(boxes, tuple(line for page in pages for line in page.lines), wide, tall)


def with_heading(page: Page, name: str, theme: Theme) -> Page:
    """The page with a name above it."""
    text = visible(shortened(name, LONGEST_NAME))
    whole = max(page.width, width(text, _HEADING_SIZE) + 4.0)
    moved = page.moved((whole - page.width) / 2, 0.0)
    place = page.height + _TITLE - _HEADING_SIZE / 2
    heading = text_box("heading", text, whole / 2, place, _HEADING_SIZE, theme)
    return Page((*moved.boxes, heading), moved.lines, whole, page.height + _TITLE)


# -- below the cells ----------------------------------------------------------------------


def with_notes(page: Page, notes: Sequence[str], theme: Theme) -> Page:
    """The page with lines of small text below it."""
    if not notes:
        return page
    whole = max(page.width, *(width(note, _NOTE_SIZE) + 4.0 for note in notes))
    tall = _NOTE * len(notes) + 6.0
    moved = page.moved((whole - page.width) / 2, tall)
    texts = tuple(
        text_box(f"note.{k}", note, whole / 2, tall - 6.0 - _NOTE * (k + 0.5), _NOTE_SIZE, theme)
        for k, note in enumerate(notes)
    )
    return Page((*moved.boxes, *texts), moved.lines, whole, page.height + tall)


def with_legend(page: Page, legend: Sequence[LegendEntry], theme: Theme) -> Page:
    """The page with what its colours mean below it, in as many rows as that takes."""
    if not legend:
        return page
    rows = _rows(legend, max(page.width, 340.0))
    widest = max(fsum(map(_entry_width, row)) for row in rows)
    whole, tall = max(page.width, widest), _ROW * len(rows) + 10.0
    moved = page.moved((whole - page.width) / 2, tall)
    boxes = list(moved.boxes)
    number = 0
    for row, entries in enumerate(rows):
        x = (whole - fsum(map(_entry_width, entries))) / 2
        y = _ROW * (len(rows) - row - 0.5)
        for ink, words in entries:
            text = text_box(f"legend.{number}.text", words, 0.0, y, _NOTE_SIZE, theme)
            boxes.append(
                PlacedBox(f"legend.{number}", (), x + 8.0, y, 15.0, 10.0, ink, rounded=False)
            )
            centre = x + 18.0 + text.width / 2
            boxes.append(text_box(text.id, words, centre, y, _NOTE_SIZE, theme))
            x += _entry_width((ink, words))
            number += 1
    return Page(tuple(boxes), moved.lines, whole, page.height + tall)


def _rows(legend: Sequence[LegendEntry], room: float) -> list[list[LegendEntry]]:
    rows: list[list[LegendEntry]] = [[]]
    for entry in legend:
        if rows[-1] and fsum(map(_entry_width, (*rows[-1], entry))) > room:
            rows.append([])
        rows[-1].append(entry)
    return rows


def _entry_width(entry: LegendEntry) -> float:
    return width(entry[1], _NOTE_SIZE) + 32.0


def legend_entries(sketches: Sequence[Sketch], theme: Theme) -> list[LegendEntry]:
    """An entry for each look that some box has, and for boxes that reach no output."""
    boxes: list[Box] = [box for each in sketches for unit in each.units for box in unit.boxes]
    seen = {box.look for box in boxes if not box.dim}
    entries = [(theme.boxes[name], words) for name, words in _WORDS.items() if name in seen]
    if any(box.dim for box in boxes):
        entries.append((theme.dim, "reaches no output"))
    return entries


def difference_entries(a: str, b: str, theme: Theme) -> list[LegendEntry]:
    """What the colours of a difference mean, by the names of the two genotypes."""
    first, second = (visible(shortened(name, LONGEST_NAME)) for name in (a, b))
    return [
        (theme.boxes["same"], "in both"),
        (theme.boxes["removed"], f"only in {first}"),
        (theme.boxes["added"], f"only in {second}"),
    ]
