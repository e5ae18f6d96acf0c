"""Pages: boxes, text and lines at their places, in points, the origin at the lower left; and DOT.

Purpose: what is common to all pictures, and its last step: a page as DOT. Every node and edge
carries its place, and the graph asks for the engine `nop2`, so that `dot` letters and draws what
stands here and decides nothing. The `graphviz` package writes DOT too, but reads backslashes in
names as escapes; here every value is a quoted string, so that a name is nothing but a name.
Graphviz reads HTML only outside quotes, so there is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NewType

from nasdsl.drawing.lettering import LEADING, SIZE, width
from nasdsl.drawing.themes import Ink, Theme
from nasdsl.report.visible import visible

#: An attribute's value, escaped as far as the inside of a DOT string is concerned.
Value = NewType("Value", str)
Attributes = Mapping[str, Value]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def value(text: str) -> Value:
    """Any text as a value that means this text and nothing else.

    A backslash would begin an escape, and `&` one of HTML's entities, which Graphviz knows
    in labels. Controls are spelt out, because a NUL would end the string in C.
    """
    return Value(visible(text).translate(_ESCAPES))


def lines(texts: Iterable[str]) -> Value:
    """Texts as a label of several centred lines."""
    return Value("\\n".join(value(text) for text in texts))


def inches(points: float) -> Value:
    """A length in points as Graphviz takes sizes of nodes."""
    return Value(f"{points / 72:.4f}")


def points(length: float) -> str:
    """A length or coordinate in points: two decimals at most, and no minus zero."""
    text = f"{length:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True, slots=True)
class DotNode:
    """A node; its identity follows from positions, never from a name."""

    id: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class DotEdge:
    """An edge between two nodes."""

    tail: str
    head: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class DotGraph:
    """A directed graph, and what all its nodes and edges have in common."""

    graph: Attributes
    node: Attributes
    edge: Attributes
    nodes: tuple[DotNode, ...] = field(default=())
    edges: tuple[DotEdge, ...] = field(default=())


def dot_text(graph: DotGraph) -> str:
    """The graph as DOT, one statement a line; equal graphs give equal text."""
    shared = [("graph", graph.graph), ("node", graph.node), ("edge", graph.edge)]
    body = [
        *(f"{word} {_attributes(attributes)};" for word, attributes in shared),
        *(f"{_quoted(value(node.id))} {_attributes(node.attributes)};" for node in graph.nodes),
        *(
            f"{_quoted(value(edge.tail))} -> {_quoted(value(edge.head))} "
            f"{_attributes(edge.attributes)};"
            for edge in graph.edges
        ),
    ]
    return "\n".join(["digraph nasdsl {", *(f"    {line}" for line in body), "}"]) + "\n"


def _attributes(attributes: Attributes) -> str:
    said = ", ".join(f"{name}={_quoted(said)}" for name, said in attributes.items())
    return f"[{said}]"


def _quoted(said: Value) -> str:
    return f'"{said}"'


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
