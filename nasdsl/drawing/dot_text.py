"""DOT text: what Graphviz reads, written so that no name can be anything but a name.

Purpose: nodes, edges and attributes as data, and the one place that turns them into text.
Every value is a quoted string; Graphviz reads HTML only outside quotes, so there is none.
Non-goals: where things stand and what they look like (`nasdsl.drawing.picture`), running
Graphviz (`nasdsl.drawing.graphviz_dot`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NewType

from nasdsl.drawing.lettering import printable

#: An attribute's value, escaped as far as the inside of a DOT string is concerned.
Value = NewType("Value", str)
Attributes = Mapping[str, Value]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})


def value(text: str) -> Value:
    """Any text as a value that means this text and nothing else.

    A backslash would begin an escape, and `&` one of HTML's entities, which Graphviz knows
    in labels. Controls are spelt out, because a NUL would end the string in C.
    """
    return Value(printable(text).translate(_ESCAPES))


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
