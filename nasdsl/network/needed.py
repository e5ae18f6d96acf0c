"""A pass: leave out what no result needs.

Purpose: a cell that reads only h[i-1], or not all that an `output each` passes on, leaves
modules or blocks that reach no classifier. They are not built: they would cost time and
never be trained. Valid graph in, valid graph out; names do not change.
Non-goals: dead blocks within a cell; those are never expanded (`nasdsl.network.liveness`).
"""

from dataclasses import replace

from nasdsl.network.graph import Body, Module, NetworkGraph, Part, Ref


def needed(graph: NetworkGraph) -> NetworkGraph:
    """The graph without modules and nodes that reach no classifier.

    What only the auxiliary classifier needs stays, with `Module.for_auxiliary` set.
    """
    wanted: dict[str, set[str]] = {}
    for_head: set[str] = set()
    bodies: dict[tuple[int, frozenset[str]], Body] = {}
    kept: list[Module] = []
    for module in reversed(graph.modules):
        is_head = module.role == "head"
        if is_head or module.name in for_head:
            for_head.add(module.name)
        if not is_head and module.role != "auxiliary" and module.name not in wanted:
            continue
        outputs = frozenset(wanted.get(module.name, module.body.outputs))
        kept.append(_trimmed(module, outputs, bodies, module.name not in for_head))
        for ref in kept[-1].inputs:
            wanted.setdefault(ref.module, set()).add(ref.node)
            if module.name in for_head:
                for_head.add(ref.module)
    kept.reverse()
    return graph.with_modules(tuple(kept))


def _trimmed(
    module: Module,
    outputs: frozenset[str],
    bodies: dict[tuple[int, frozenset[str]], Body],
    for_auxiliary: bool,
) -> Module:
    if len(outputs) == len(module.body.outputs):
        return replace(module, for_auxiliary=True) if for_auxiliary else module
    key = id(module.body), outputs
    body = bodies.get(key)
    if body is None:
        body = bodies[key] = _body_of(module.body, outputs)
    names = {port.name for port in body.ports}
    pairs = zip(module.body.ports, module.inputs, strict=True)
    inputs: tuple[Ref, ...] = tuple(ref for port, ref in pairs if port.name in names)
    return replace(module, body=body, inputs=inputs, for_auxiliary=for_auxiliary)


def _body_of(body: Body, outputs: frozenset[str]) -> Body:
    """The body without nodes that none of `outputs` needs."""
    wanted = set(outputs)
    parts: list[Part] = []
    for part in reversed(body.parts):
        nodes = []
        for node in reversed(part.nodes):
            if node.name in wanted or part.kept:
                nodes.append(node)
                wanted.update(node.inputs)
        parts.append(part._replace(nodes=tuple(reversed(nodes))))
    blocks = {part.block for part in parts if part.nodes and part.block}
    return Body(
        tuple(port for port in body.ports if port.name in wanted),
        tuple(part for part in reversed(parts) if part.nodes or part.block in blocks),
        tuple(name for name in body.outputs if name in outputs),
    )
