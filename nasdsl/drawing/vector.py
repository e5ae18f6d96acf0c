"""A page as SVG, written here: for browsers, where no Graphviz runs.

Purpose: `page_svg`, the last step of a picture in a few lines of its own. Files and notebooks have
the SVG of Graphviz (`nasdsl.drawing.rendering`), which draws the same page.

Names of ops, blocks and genotypes come from anybody: whatever is written goes through `visible`
and is escaped, so that a name is nothing but a name.
"""

from collections.abc import Iterator
from functools import lru_cache
from html import escape

from nasdsl.drawing.lettering import LEADING
from nasdsl.drawing.page import FONT, MARGIN, Page, PageLine, PlacedBox, in_points
from nasdsl.drawing.themes import Theme
from nasdsl.report.visible import visible

_STROKE = 'stroke-width="0.8"'
_DASHES = ' stroke-dasharray="4 3"'
_ROUND = 5.0
#: From the middle of a line of text down to its foot, and half an arrow's breadth, as Graphviz
#: has them: in sizes of type, and in lengths of an arrow.
_FOOT, _HALF_ARROW = 0.34, 0.35


def page_svg(page: Page, theme: Theme, title: str) -> str:
    """The page as one `<svg>` element, lines below boxes.

    Every box has its identity in `data-box`, so that a program finds it again.

    Args:
        page: the picture.
        theme: its background.
        title: what a screen reader says the picture is.
    """
    wide, tall = page.width + 2 * MARGIN, page.height + 2 * MARGIN
    view = f"0 0 {in_points(wide)} {in_points(tall)}"
    size = f'width="{in_points(wide)}" height="{in_points(tall)}" viewBox="{view}"'
    named = _escaped(title)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{named}">',
            f"<title>{named}</title>",
            f'<rect width="100%" height="100%" fill="{theme.background}"/>',
            f'<g font-family="{FONT}" text-anchor="middle">',
            *(text for line in page.lines for text in _line(line, page.height)),
            *(text for box in page.boxes for text in _box(box, page.height)),
            "</g>",
            "</svg>",
        ]
    )


@lru_cache(maxsize=4096)
def _escaped(text: str) -> str:
    return escape(visible(text))


def _point(point: tuple[float, float], height: float) -> str:
    """A place of the page, which begins at the lower left, as SVG counts."""
    return f"{in_points(point[0] + MARGIN)},{in_points(height - point[1] + MARGIN)}"


def _line(line: PageLine, height: float) -> Iterator[str]:
    *others, foot = line.to_foot
    start, *bends = (_point(point, height) for point in (*others, foot))
    ends = f'data-tail="{_escaped(line.tail)}" data-head="{_escaped(line.head)}"'
    dashes = _DASHES if line.dashed else ""
    yield (
        f'<path {ends} d="M{start}C{" ".join(bends)}" fill="none" '
        f'stroke="{line.colour}" {_STROKE}{dashes}/>'
    )
    end = line.points[-1]
    across = (foot[1] - end[1]) * _HALF_ARROW, (end[0] - foot[0]) * _HALF_ARROW
    corners = (
        (foot[0] - across[0], foot[1] - across[1]),
        end,
        (foot[0] + across[0], foot[1] + across[1]),
    )
    placed = " ".join(_point(corner, height) for corner in corners)
    yield f'<polygon {ends} points="{placed}" fill="{line.colour}"/>'


def _box(box: PlacedBox, height: float) -> Iterator[str]:
    ink, x, y = box.ink, box.x + MARGIN, height - box.y + MARGIN
    yield f'<g data-box="{_escaped(box.id)}">'
    if ink.fill:
        corner = in_points(box.x - box.width / 2 + MARGIN), in_points(y - box.height / 2)
        rounded = f' rx="{in_points(_ROUND)}"' if box.rounded else ""
        dashes = _DASHES if ink.dashed else ""
        yield (
            f'<rect x="{corner[0]}" y="{corner[1]}" width="{in_points(box.width)}" '
            f'height="{in_points(box.height)}"{rounded} fill="{ink.fill}" '
            f'stroke="{ink.line}" {_STROKE}{dashes}/>'
        )
    for number, line in enumerate(box.lines):
        foot = y + (number - (len(box.lines) - 1) / 2) * LEADING + box.size * _FOOT
        yield (
            f'<text x="{in_points(x)}" y="{in_points(foot)}" font-size="{in_points(box.size)}" '
            f'fill="{ink.letters}">{_escaped(line)}</text>'
        )
    yield "</g>"
