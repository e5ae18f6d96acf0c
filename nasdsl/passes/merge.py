"""The pass `merge`: compute equal things once.

Purpose: ops of one block after another begin with the ReLU or the pool of the same state;
within a body, nodes without parameters that compute the same from the same inputs become one.
Non-goals: nodes with parameters, which differ however alike they look; nodes that draw
random numbers, which have to draw their own.

Names do not change: of equal nodes the first stays.
"""

from dataclasses import replace

from nasdsl.network.graph import Body, NetworkGraph, once_a_body
from nasdsl.passes.pipeline import Pass
from nasdsl.primitives import PRIMITIVES


def merged(graph: NetworkGraph) -> NetworkGraph:
    """The graph with equal nodes of every body merged; bodies stay shared."""
    modules = (replace(module, body=_merged_body(module.body)) for module in graph.modules)
    return graph.with_modules(tuple(modules))


@once_a_body
def _merged_body(body: Body) -> Body:
    # By everything but the name.
    known: dict[tuple[object, ...], str] = {}
    stands_for: dict[str, str] = {}
    # An output keeps its name: other modules read it.
    outputs = set(body.outputs)
    parts = []
    for part in body.parts:
        nodes = []
        for node in part.nodes:
            node = node.reading(stands_for)
            if PRIMITIVES[node.primitive].repeatable and node.name not in outputs:
                first = known.setdefault(node[1:], node.name)
                if first != node.name:
                    stands_for[node.name] = first
                    continue
            nodes.append(node)
        parts.append(part._replace(nodes=tuple(nodes)))
    return Body(body.ports, tuple(parts), body.outputs)


PASS = Pass("merge", merged, "compute equal things once within each cell")
