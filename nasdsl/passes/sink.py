"""The pass `sink`: apply a ReLU to what is concatenated, not to the concatenation.

Purpose: the output of a cell is a concatenation of blocks, and mostly read through a ReLU. A
ReLU of each block comes right after the block's sum, where runtimes compute both at once.

A ReLU `output.concat.relu` of three states becomes `output.concat.relu.0` to
`output.concat.relu.2`, and the concatenation takes its name.
"""

from nasdsl.network.graph import Body, NetworkGraph, Node, Shape
from nasdsl.passes.bodies import Rewritten, readers_of, with_bodies, with_nodes
from nasdsl.passes.pipeline import Pass


def sunk(graph: NetworkGraph) -> NetworkGraph:
    """The graph without ReLUs that are the one reader of a concatenation."""
    return with_bodies(graph, _sunk_body)


def _sunk_body(body: Body) -> Rewritten:
    readers = readers_of(body)
    nodes = {node.name: node for node in body.nodes}
    changed: dict[str, tuple[Node, ...]] = {}
    for joined in body.nodes:
        if joined.primitive != "concat" or joined.name in body.outputs:
            continue
        if [node.primitive for node in readers[joined.name]] != ["relu"]:
            continue
        (relu,) = readers[joined.name]
        made: dict[str, Node] = {}
        for name in joined.inputs:
            shape = nodes[name].shape if name in nodes else _port(body, name)
            made.setdefault(name, Node(f"{relu.name}.{len(made)}", "relu", (name,), shape, shape))
        inputs = tuple(made[name].name for name in joined.inputs)
        concat = joined._replace(name=relu.name, inputs=inputs, before=made[joined.inputs[0]].shape)
        changed |= {joined.name: (), relu.name: (*made.values(), concat)}
        nodes[relu.name] = concat
    return Rewritten(with_nodes(body, changed)) if changed else Rewritten(body)


def _port(body: Body, name: str) -> Shape:
    return next(port.shape for port in body.ports if port.name == name)


PASS = Pass("sink", sunk, "apply a ReLU to what is concatenated, not to the concatenation")
