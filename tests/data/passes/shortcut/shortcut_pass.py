"""Passes as a third party would write them: one that works, and some that do not.

It knows nasdsl's public graph and nothing of nasdsl's own passes.
"""

from dataclasses import replace

from nasdsl.network import Body, NetworkGraph
from nasdsl.passes import Pass

#: What hands its input on in evaluation.
QUIET = ("identity", "drop_path", "dropout")


def shortened(graph: NetworkGraph) -> NetworkGraph:
    """The graph for evaluation: what hands its input on there is left out."""
    bodies = {id(module.body): module.body for module in graph.modules}
    short = {key: _without_quiet(body) for key, body in bodies.items()}
    modules = (replace(module, body=short[id(module.body)]) for module in graph.modules)
    return graph.with_modules(tuple(modules))


def _without_quiet(body: Body) -> Body:
    stands_for: dict[str, str] = {}
    parts = []
    for part in body.parts:
        nodes = []
        for node in part.nodes:
            node = node._replace(inputs=tuple(stands_for.get(name, name) for name in node.inputs))
            if node.primitive in QUIET and node.name not in body.outputs:
                stands_for[node.name] = node.inputs[0]
            else:
                nodes.append(node)
        parts.append(part._replace(nodes=tuple(nodes)))
    return replace(body, parts=tuple(parts))


def renamed(graph: NetworkGraph) -> NetworkGraph:
    """The graph with another name for its stem, and so for the parameters there."""
    modules = (
        replace(
            module,
            name="trunk" if module.name == "stem" else module.name,
            inputs=tuple(
                ref._replace(module="trunk") if ref.module == "stem" else ref
                for ref in module.inputs
            ),
        )
        for module in graph.modules
    )
    return graph.with_modules(tuple(modules))


def beheaded(graph: NetworkGraph) -> NetworkGraph:
    """The graph without its last module."""
    return graph.with_modules(graph.modules[:-1])


def failing(graph: NetworkGraph) -> NetworkGraph:
    """Nothing."""
    raise ValueError("never seen such a graph")


shortcut = Pass("shortcut", shortened, "leave out what hands its input on in evaluation")
renaming = Pass("renaming", renamed)
beheading = Pass("beheading", beheaded)
raising = Pass("raising", failing)
forgetful = Pass("forgetful", lambda graph: None)  # type: ignore[arg-type, return-value]
not_a_pass = shortened
