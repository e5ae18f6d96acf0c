"""The verifier: whether a graph is sound.

Purpose: every name is defined once and before it is read, every shape follows from the
primitive and its inputs. Tests run it on what the expansion and every pass return.
Non-goals: whether the graph is the network that was asked for; whether it is minimal.
"""

from nasdsl.errors import cell_error
from nasdsl.network.graph import IMAGE, Body, NetworkGraph, Ref
from nasdsl.primitives import PRIMITIVES, Shape


def verified(graph: NetworkGraph) -> NetworkGraph:
    """The graph itself, where it is sound.

    Raises:
        CellError: NAS900, naming the module and node; an internal error of nasdsl or of a pass.
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
        row = PRIMITIVES.get(node.primitive)
        if row is None:
            raise cell_error("NAS900", f"{place}: no primitive is called {node.primitive}")
        shape = row.shape(node, inputs)
        _require(shape == node.shape, place, f"{node.primitive} cannot make {node.shape}")
        shapes[node.name] = node.shape
    made = {node.name for node in nodes}
    _require(bool(body.outputs), module, "has no output")
    for name in body.outputs:
        _require(name in made, module, f"gives {name}, which is not one of its nodes")


def _require(condition: bool, place: str, what: str) -> None:
    if not condition:
        raise cell_error("NAS900", f"{place}: {what}")
