"""The pass `inference`: leave out what only training needs.

Purpose: drop path, dropout and the auxiliary classifier do nothing in evaluation, and inputs of
cells that nothing reads are built for the sake of counts alone.
Non-goals: batch norm, which does something else in evaluation (`nasdsl.passes.fold`).
"""

from dataclasses import replace

from nasdsl.network.graph import Body, NetworkGraph
from nasdsl.network.needed import needed
from nasdsl.passes.bodies import Rewritten, with_bodies
from nasdsl.passes.pipeline import Pass

#: What hands its input on in evaluation.
_IDLE = ("drop_path", "dropout", "identity")


def evaluated(graph: NetworkGraph) -> NetworkGraph:
    """The graph of what evaluation computes; results keep their names."""
    modules = tuple(
        module
        for module in graph.modules
        if module.role != "auxiliary" and not module.for_auxiliary
    )
    return needed(with_bodies(graph.with_modules(modules), _evaluated_body))


def _evaluated_body(body: Body) -> Rewritten:
    stands_for: dict[str, str] = {}
    parts = []
    for part in body.parts:
        nodes = []
        for node in part.nodes:
            node = node.reading(stands_for)
            # An output stays a node, because other modules read it.
            if node.primitive in _IDLE and node.name not in body.outputs:
                (stands_for[node.name],) = node.inputs
            else:
                nodes.append(node)
        parts.append(part._replace(nodes=tuple(nodes), kept=False))
    return Rewritten(replace(body, parts=tuple(parts)))


PASS = Pass("inference", evaluated, "leave out what only training needs", inference=True)
