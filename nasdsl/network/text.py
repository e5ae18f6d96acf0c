"""A network graph as text: every module, and every body with a line for each node.

Purpose: what `nasdsl show --graph` and `nasdsl compile --print-after` print. The text follows
from the graph alone; bodies that modules share are written once.
Non-goals: reading it back; `.cell` text is what networks are written in.
"""

from collections.abc import Iterator, Sequence

from nasdsl.errors import plural
from nasdsl.network.graph import Body, Module, NetworkGraph
from nasdsl.primitives import PRIMITIVES, Node, Shape
from nasdsl.report.visible import visible

#: How many modules a body's title names.
_NAMED = 4


def graph_text(graph: NetworkGraph) -> str:
    """The graph as text, with a final line break.

    Modules come first, in the order they run, each with the body it has and what it reads.
    Then come the bodies: `NAME: SHAPE = PRIMITIVE(INPUTS, ARGUMENTS)`, the shape as channels,
    height and width, and behind the first node of an op or combine what the text calls it.
    """
    bodies: dict[int, list[Module]] = {}
    for module in graph.modules:
        bodies.setdefault(id(module.body), []).append(module)
    numbers = {key: number for number, key in enumerate(bodies)}
    rows = [_module_row(module, numbers[id(module.body)]) for module in graph.modules]
    lines = [*_head(graph), "", *_columns(rows)]
    for key, modules in bodies.items():
        lines += ["", *_body_lines(numbers[key], modules)]
    return "\n".join(lines) + "\n"


def _head(graph: NetworkGraph) -> Iterator[str]:
    network = graph.configuration
    nodes = sum(len(module.body.nodes) for module in graph.modules)
    yield (
        f"{visible(graph.name)}: {network.N} @ {network.filters}, "
        f"{network.name} skeleton, {network.stem} stem, {plural(network.classes, 'class', 'd')}"
    )
    modules = plural(len(graph.modules), "module", "d")
    yield f"{modules}, {plural(nodes, 'node', 'd')}, image {_size(graph.image)}"


def _module_row(module: Module, number: int) -> tuple[str, ...]:
    words = []
    if module.kind is not None:
        words = [f"{module.kind} cell", plural(module.filters, "filter", "d")]
    if module.stride > 1:
        words.append(f"stride {module.stride}")
    if module.depth:
        words.append(f"depth {module.depth:.4g}")
    if module.for_auxiliary:
        words.append("for the auxiliary classifier alone")
    read = ", ".join(map(str, module.inputs))
    return module.name, f"= body {number}({read})", f" # {', '.join(words)}" if words else ""


def _body_lines(number: int, modules: Sequence[Module]) -> Iterator[str]:
    body = modules[0].body
    names = [module.name for module in modules[:_NAMED]]
    more = len(modules) - len(names)
    others = f" and {more} more" if more else ""
    ports = ", ".join(f"{port.name}: {_size(port.shape)}" for port in body.ports)
    yield f"body {number}({ports})  # {', '.join(names)}{others}"
    yield from (f"    {line}" for line in _columns(list(_node_rows(body))))
    yield f"    return {', '.join(body.outputs)}"


def _node_rows(body: Body) -> Iterator[tuple[str, ...]]:
    for part in body.parts:
        label = part.label if part.path else ""
        for node in part.nodes:
            made = f"= {node.primitive}({', '.join([*node.inputs, *_arguments(node)])})"
            comment = f"  # {visible(label)}" if label else ""
            yield f"{node.name}:", _size(node.shape), made + comment
            label = ""


def _arguments(node: Node) -> Iterator[str]:
    row = PRIMITIVES[node.primitive]
    if row.kernel:
        yield _pair(node.kernel)
    if node.stride != (1, 1):
        yield f"stride {_pair(node.stride) if node.stride[0] != node.stride[1] else node.stride[0]}"
    if node.dilation != 1:
        yield f"dilation {node.dilation}"
    if row.kernel and node.padding != "same":
        yield node.padding
    if node.count_padding:
        yield "count_padding"
    if node.zero_padded:
        yield "zero_padded"
    # What is usual goes without saying.
    if node.bias != (node.primitive == "linear"):
        yield "bias" if node.bias else "no bias"


def _pair(values: tuple[int, int]) -> str:
    return f"{values[0]}x{values[1]}"


def _size(shape: Shape) -> str:
    vector = (shape.height, shape.width) == (1, 1)
    return str(shape.channels) if vector else "x".join(map(str, shape))


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows with each column as wide as its widest entry."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (entry.ljust(width) for entry, width in zip(row, widths, strict=True))
        yield " ".join(padded).rstrip()
