"""The verifier: whether a graph is sound.

Purpose: every name is defined once and before it is read, every shape follows from the
primitive and its inputs. Tests run it on what the expansion and every pass return.
Non-goals: whether the graph is the network that was asked for; whether it is minimal.
"""

from collections.abc import Callable, Sequence

from nasdsl.errors import cell_error
from nasdsl.network.graph import IMAGE, Body, NetworkGraph, Node, Primitive, Ref, Shape
from nasdsl.network.shapes import window_size


def verified(graph: NetworkGraph) -> NetworkGraph:
    """The graph itself, where it is sound.

    Raises:
        CellError: NAS900, naming the module and node; a mistake of nasdsl or of a pass.
    """
    states: dict[Ref, Shape] = {IMAGE: graph.image}
    seen: set[str] = set()
    sound: set[int] = set()
    for module in graph.modules:
        _require(bool(module.name) and module.name not in seen, module.name, "is named twice")
        seen.add(module.name)
        body = module.body
        _require(len(module.inputs) == len(body.ports), module.name, "has an input for each port")
        for port, ref in zip(body.ports, module.inputs, strict=True):
            _require(ref in states, module.name, f"reads {ref} before it is made")
            place = f"{module.name}.{port.name}"
            _require(states[ref] == port.shape, place, f"is given {ref}, {states[ref]}")
        if id(body) not in sound:
            _verify_body(body, module.name)
            sound.add(id(body))
        states.update(zip(module.outputs, body.output_shapes, strict=True))
    heads = [module for module in graph.modules if module.role in ("head", "auxiliary")]
    _require("head" in {module.name for module in heads}, graph.name, "has no head")
    for head in heads:
        _require(head.name == head.role, head.name, "is a classifier, named for its role")
        logits = head.body.output_shapes
        wanted = (Shape(graph.configuration.classes, 1, 1),)
        _require(logits == wanted, head.name, f"gives {logits}, not a number for each class")
    return graph


def _verify_body(body: Body, module: str) -> None:
    shapes: dict[str, Shape] = {}
    for port in body.ports:
        _require(port.name not in shapes, f"{module}.{port.name}", "is defined twice")
        shapes[port.name] = port.shape
    nodes = body.nodes
    for part in body.parts:
        for node in part.nodes:
            inside = node.name.startswith(f"{part.path}.") or not part.path
            _require(inside, f"{module}.{node.name}", f"is outside its part {part.path}")
    for node in nodes:
        place = f"{module}.{node.name}"
        _require(node.name not in shapes, place, "is defined twice")
        _require(bool(node.inputs), place, "has no input")
        for name in node.inputs:
            _require(name in shapes, place, f"reads {name} before it is defined")
        inputs = [shapes[name] for name in node.inputs]
        _require(inputs[0] == node.before, place, f"says it reads {node.before}")
        _require(min(node.shape) >= 1, place, f"makes nothing: {node.shape}")
        rule = _RULES.get(node.primitive)
        if rule is None:
            raise cell_error("NAS900", f"{place}: no primitive is called {node.primitive}")
        _require(rule(node, inputs), place, f"{node.primitive} cannot make {node.shape}")
        shapes[node.name] = node.shape
    made = {node.name for node in nodes}
    _require(bool(body.outputs), module, "has no output")
    for name in body.outputs:
        _require(name in made, module, f"gives {name}, which is no node of it")


def _require(condition: bool, place: str, what: str) -> None:
    if not condition:
        raise cell_error("NAS900", f"{place}: {what}")


# -- one rule a primitive: does `shape` follow from the inputs? -------------------------


def _keeps(node: Node, inputs: Sequence[Shape]) -> bool:
    return len(inputs) == 1 and node.shape == inputs[0]


def _window(node: Node, inputs: Sequence[Shape]) -> bool:
    size = tuple(
        window_size(pixels, kernel, stride, node.dilation, node.padding)
        for pixels, kernel, stride in zip(inputs[0][1:], node.kernel, node.stride, strict=True)
    )
    return len(inputs) == 1 and node.shape[1:] == size


def _window_and_channels(node: Node, inputs: Sequence[Shape]) -> bool:
    return _window(node, inputs) and node.shape.channels == inputs[0].channels


def _strided(node: Node, inputs: Sequence[Shape]) -> bool:
    size = tuple(-(-n // step) for n, step in zip(inputs[0][1:], node.stride, strict=True))
    return len(inputs) == 1 and node.shape[1:] == size


def _halves(node: Node, inputs: Sequence[Shape]) -> bool:
    return node.stride == (2, 2) and _strided(node, inputs)


def _sums(node: Node, inputs: Sequence[Shape]) -> bool:
    return len(inputs) >= 2 and all(shape == node.shape for shape in inputs)


def _concatenates(node: Node, inputs: Sequence[Shape]) -> bool:
    channels = sum(shape.channels for shape in inputs)
    sizes = {shape[1:] for shape in inputs}
    return sizes == {node.shape[1:]} and node.shape.channels == channels


def _pools_all(node: Node, inputs: Sequence[Shape]) -> bool:
    return len(inputs) == 1 and node.shape == Shape(inputs[0].channels, 1, 1)


def _connects(node: Node, inputs: Sequence[Shape]) -> bool:
    vectors = (node.shape, *inputs)
    return len(inputs) == 1 and all(shape[1:] == (1, 1) for shape in vectors)


_RULES: dict[Primitive, Callable[[Node, Sequence[Shape]], bool]] = {
    "relu": _keeps,
    "conv": _window,
    "depthwise": _window_and_channels,
    "batch_norm": _keeps,
    "layer_norm": _keeps,
    "instance_norm": _keeps,
    "avg_pool": _window_and_channels,
    "max_pool": _window_and_channels,
    "factorized_reduce": _halves,
    "zero": _strided,
    "identity": _keeps,
    "sum": _sums,
    "concat": _concatenates,
    "drop_path": _keeps,
    "global_avg_pool": _pools_all,
    "dropout": _keeps,
    "linear": _connects,
}
