"""The pass `quiet`: leave out dropout, which evaluation has no use for."""

from dataclasses import replace

from nasdsl.network import Body, NetworkGraph
from nasdsl.passes import Pass


def quiet(graph: NetworkGraph) -> NetworkGraph:
    """The graph without it. Modules that shared a body share one again."""
    bodies = {id(module.body): module.body for module in graph.modules}
    rewritten = {key: _without_dropout(body) for key, body in bodies.items()}
    modules = (replace(module, body=rewritten[id(module.body)]) for module in graph.modules)
    return graph.with_modules(tuple(modules))


def _without_dropout(body: Body) -> Body:
    source: dict[str, str] = {}
    parts = []
    for part in body.parts:
        nodes = []
        for node in part.nodes:
            node = node._replace(inputs=tuple(source.get(name, name) for name in node.inputs))
            if node.primitive == "dropout" and node.name not in body.outputs:
                source[node.name] = node.inputs[0]
            else:
                nodes.append(node)
        parts.append(part._replace(nodes=tuple(nodes)))
    return replace(body, parts=tuple(parts))


PASS = Pass("quiet", quiet, "leave out dropout")
