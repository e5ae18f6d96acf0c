"""Pages: boxes, text and lines at their places, in points, the origin at the lower left; and DOT.

Purpose: what is common to all pictures, and its last step: a page as DOT. Every node and edge
carries its place, and the graph asks for the engine `nop2`, so that `dot` draws what is here and
decides nothing. The `graphviz` package writes DOT too, but reads backslashes in
names as escapes; here every value is a quoted string, so that a name is nothing but a name.
Graphviz reads HTML only outside quotes, so there is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NewType

from nasdsl.drawing.lettering import LEADING, SIZE, width
from nasdsl.drawing.themes import Ink, Theme
from nasdsl.report.visible import visible

#: An attribute's value, escaped as far as the inside of a DOT string is concerned.
DotString = NewType("DotString", str)
Attributes = Mapping[str, DotString]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def dot_string(text: str) -> DotString:
    """Any text as a value that means this text and nothing else.

    A backslash would begin an escape, and `&` one of HTML's entities, which Graphviz knows
    in labels. Controls are escaped, because a NUL would end the string in C.
    """
    return DotString(visible(text).translate(_ESCAPES))


def dot_label(texts: Iterable[str]) -> DotString:
    """Texts as a label of several centred lines."""
    return DotString("\\n".join(dot_string(text) for text in texts))


def in_inches(points: float) -> DotString:
    """A length in points as Graphviz takes sizes of nodes."""
    return DotString(f"{points / 72:.4f}")


# A picture that is drawn again after an edit has most lengths of the one before.
@lru_cache(maxsize=8192)
def in_points(length: float) -> str:
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
        *(
            f"{_quoted(dot_string(node.id))} {_attributes(node.attributes)};"
            for node in graph.nodes
        ),
        *(
            f"{_quoted(dot_string(edge.tail))} -> {_quoted(dot_string(edge.head))} "
            f"{_attributes(edge.attributes)};"
            for edge in graph.edges
        ),
    ]
    return "\n".join(["digraph nasdsl {", *(f"    {line}" for line in body), "}"]) + "\n"


def _attributes(attributes: Attributes) -> str:
    said = ", ".join(f"{name}={_quoted(said)}" for name, said in attributes.items())
    return f"[{said}]"


def _quoted(said: DotString) -> str:
    return f'"{said}"'


#: Helvetica where there is one; the others are as wide.
FONT = "Helvetica,Arial,Liberation Sans,sans-serif"

_PADDING_ACROSS, _PADDING_ALONG = 9.0, 8.0
_MIN_WIDTH, _MIN_HEIGHT = 31.0, 19.0
MARGIN = 10.0
#: The length of an arrow.
ARROW = 4.5


@dataclass(frozen=True, slots=True)
class PlacedBox:
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

    # `dataclasses.replace` takes four times as long, and a picture has hundreds of these.
    def moved(self, x: float, y: float) -> "PlacedBox":
        """The same box elsewhere."""
        return PlacedBox(
            self.id,
            self.lines,
            self.x + x,
            self.y + y,
            self.width,
            self.height,
            self.ink,
            self.size,
            self.rounded,
        )


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line between two boxes: a point, then three for each Bezier curve."""

    tail: str
    head: str
    points: tuple[tuple[float, float], ...]
    colour: str
    dashed: bool = False

    def moved(self, x: float, y: float) -> "PageLine":
        """The same line elsewhere."""
        points = tuple([(a + x, b + y) for a, b in self.points])
        return PageLine(self.tail, self.head, points, self.colour, self.dashed)

    @property
    def to_foot(self) -> tuple[tuple[float, float], ...]:
        """The points up to the foot of the arrow, which ends where the line does."""
        *others, end = self.points
        before = next((point for point in reversed(others) if point != end), end)
        dx, dy = end[0] - before[0], end[1] - before[1]
        length = (dx * dx + dy * dy) ** 0.5 or 1.0
        return (*others, (end[0] - ARROW * dx / length, end[1] - ARROW * dy / length))


@dataclass(frozen=True, slots=True)
class Page:
    """Everything at its place on a page of this width and height."""

    boxes: tuple[PlacedBox, ...]
    lines: tuple[PageLine, ...]
    width: float
    height: float

    def moved(self, x: float, y: float) -> "Page":
        """The same page, no larger, with everything moved."""
        if not x and not y:
            return self
        boxes = tuple(each.moved(x, y) for each in self.boxes)
        return Page(boxes, tuple(each.moved(x, y) for each in self.lines), self.width, self.height)


def box_size(text: Sequence[str]) -> tuple[float, float]:
    """The width and height of a box that holds some lines of text."""
    wide = max(map(width, text), default=0.0) + _PADDING_ACROSS
    tall = LEADING * len(text) + _PADDING_ALONG
    return max(wide, _MIN_WIDTH), max(tall, _MIN_HEIGHT)


def text_box(id: str, text: str, x: float, y: float, size: float, theme: Theme) -> PlacedBox:
    """A line of text, centred on a point."""
    ink = Ink("", "", theme.letters)
    return PlacedBox(id, (text,), x, y, width(text, size) + 4.0, size + 4.0, ink, size)


def dot_graph(page: Page, theme: Theme) -> DotGraph:
    """A page as DOT."""
    return DotGraph(
        graph={
            "layout": dot_string("nop2"),
            "bgcolor": dot_string(theme.background),
            "pad": in_inches(MARGIN),
            "outputorder": dot_string("edgesfirst"),
        },
        node={
            "shape": dot_string("box"),
            "fixedsize": dot_string("true"),
            "fontname": dot_string(FONT),
            "fontsize": dot_string(in_points(SIZE)),
            "penwidth": dot_string("0.8"),
            "margin": dot_string("0"),
        },
        edge={"penwidth": dot_string("0.8"), "arrowsize": dot_string(in_points(ARROW / 10))},
        nodes=tuple(map(_node, page.boxes)),
        edges=tuple(map(_edge, page.lines)),
    )


def _node(box: PlacedBox) -> DotNode:
    ink = box.ink
    attributes: dict[str, DotString] = {
        "label": dot_label(box.lines),
        "pos": dot_string(f"{in_points(box.x)},{in_points(box.y)}"),
        "width": in_inches(box.width),
        "height": in_inches(box.height),
        "fontcolor": dot_string(ink.letters),
    }
    if ink.fill:
        attributes |= {
            "style": dot_string(",".join(_styles(box))),
            "fillcolor": dot_string(ink.fill),
            "color": dot_string(ink.line),
        }
    else:
        attributes["shape"] = dot_string("plaintext")
    if box.size != SIZE:
        attributes["fontsize"] = dot_string(in_points(box.size))
    return DotNode(box.id, attributes)


def _styles(box: PlacedBox) -> list[str]:
    styles = {"filled": True, "rounded": box.rounded, "dashed": box.ink.dashed}
    return [style for style, applies in styles.items() if applies]


def _edge(line: PageLine) -> DotEdge:
    attributes: dict[str, DotString] = {
        "pos": dot_string(_spline(line)),
        "color": dot_string(line.colour),
    }
    if line.dashed:
        attributes["style"] = dot_string("dashed")
    return DotEdge(line.tail, line.head, attributes)


def _spline(line: PageLine) -> str:
    """Graphviz's form of a path: where the arrow ends, then Bezier points up to its foot."""
    end = line.points[-1]
    path = " ".join(f"{in_points(x)},{in_points(y)}" for x, y in line.to_foot)
    return f"e,{in_points(end[0])},{in_points(end[1])} {path}"
