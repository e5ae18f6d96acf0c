"""Pages: boxes, text and lines at their places, in points, the origin at the lower left.

Purpose: what is common to all pictures, and its last step: a page as DOT. Every node and
edge carries its place, and the graph asks for the engine `nop2`, so that `dot` letters and
draws what stands here and decides nothing.
Non-goals: what stands where (`nasdsl.drawing.picture`, `nasdsl.drawing.network`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nasdsl.drawing.dot_text import (
    DotEdge,
    DotGraph,
    DotNode,
    Value,
    inches,
    lines,
    points,
    value,
)
from nasdsl.drawing.lettering import LEADING, SIZE, width
from nasdsl.drawing.themes import Ink, Theme

#: Helvetica where there is one; the others are as wide.
FONT = "Helvetica,Arial,Liberation Sans,sans-serif"

_PADDING_ACROSS, _PADDING_ALONG = 9.0, 8.0
_MIN_WIDTH, _MIN_HEIGHT = 31.0, 19.0
_MARGIN = 10.0
_ARROW = 4.5


@dataclass(frozen=True, slots=True)
class Place:
    """A box, or with no fill a text: its centre and its size."""

    id: str
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    ink: Ink
    size: float = SIZE
    rounded: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two boxes: a point, then three for each Bezier curve."""

    tail: str
    head: str
    points: tuple[tuple[float, float], ...]
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Everything at its place on a page of this width and height."""

    places: tuple[Place, ...]
    lines: tuple[Line, ...]
    width: float
    height: float

    def moved(self, x: float, y: float) -> "Page":
        """The same page, no larger, with everything moved."""
        places = tuple(replace(each, x=each.x + x, y=each.y + y) for each in self.places)
        drawn = tuple(
            replace(each, points=tuple((a + x, b + y) for a, b in each.points))
            for each in self.lines
        )
        return replace(self, places=places, lines=drawn)


def box_size(text: Sequence[str]) -> tuple[float, float]:
    """The width and height of a box that holds some lines of text."""
    wide = max(map(width, text), default=0.0) + _PADDING_ACROSS
    tall = LEADING * len(text) + _PADDING_ALONG
    return max(wide, _MIN_WIDTH), max(tall, _MIN_HEIGHT)


def text_at(id: str, text: str, x: float, y: float, size: float, look: Theme) -> Place:
    """A line of text, centred on a point."""
    ink = Ink("", "", look.letters)
    return Place(id, (text,), x, y, width(text, size) + 4.0, size + 4.0, ink, size)


def dot_graph(page: Page, look: Theme) -> DotGraph:
    """A page as DOT."""
    return DotGraph(
        graph={
            "layout": value("nop2"),
            "bgcolor": value(look.background),
            "pad": inches(_MARGIN),
            "outputorder": value("edgesfirst"),
        },
        node={
            "shape": value("box"),
            "fixedsize": value("true"),
            "fontname": value(FONT),
            "fontsize": value(points(SIZE)),
            "penwidth": value("0.8"),
            "margin": value("0"),
        },
        edge={"penwidth": value("0.8"), "arrowsize": value(points(_ARROW / 10))},
        nodes=tuple(map(_node, page.places)),
        edges=tuple(map(_edge, page.lines)),
    )


def _node(place: Place) -> DotNode:
    ink = place.ink
    attributes: dict[str, Value] = {
        "label": lines(place.lines),
        "pos": value(f"{points(place.x)},{points(place.y)}"),
        "width": inches(place.width),
        "height": inches(place.height),
        "fontcolor": value(ink.letters),
    }
    if ink.fill:
        attributes |= {
            "style": value(",".join(_styles(place))),
            "fillcolor": value(ink.fill),
            "color": value(ink.line),
        }
    else:
        attributes["shape"] = value("plaintext")
    if place.size != SIZE:
        attributes["fontsize"] = value(points(place.size))
    return DotNode(place.id, attributes)


def _styles(place: Place) -> list[str]:
    styles = {"filled": True, "rounded": place.rounded, "dashed": place.ink.dashed}
    return [style for style, applies in styles.items() if applies]


def _edge(line: Line) -> DotEdge:
    attributes: dict[str, Value] = {"pos": value(_spline(line)), "color": value(line.colour)}
    if line.dashed:
        attributes["style"] = value("dashed")
    return DotEdge(line.tail, line.head, attributes)


def _spline(line: Line) -> str:
    """Graphviz's form of a path: where the arrow ends, then Bezier points up to its foot."""
    *others, end = line.points
    before = next((point for point in reversed(others) if point != end), end)
    dx, dy = end[0] - before[0], end[1] - before[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    foot = end[0] - _ARROW * dx / length, end[1] - _ARROW * dy / length
    path = " ".join(f"{points(x)},{points(y)}" for x, y in (*others, foot))
    return f"e,{points(end[0])},{points(end[1])} {path}"
