"""What of a network its results need, and the network of that alone.

Purpose: a cell that reads only h[i-1], or not all that an `output each` passes on, leaves
modules or blocks that reach no classifier. They are not built: they would cost time and
never be trained. The expansion ends with it, and so does the pass `dead`.
Non-goals: dead blocks within a cell; those are never expanded.
"""

from collections.abc import Iterable
from dataclasses import replace

from nasdsl.language.genotype.liveness import live_steps
from nasdsl.network.graph import Body, Module, NetworkGraph, Ref


def needed(graph: NetworkGraph) -> NetworkGraph:
    """The graph without modules and nodes that reach no classifier; names do not change.

    What only the auxiliary classifier needs stays, with `Module.for_auxiliary` set.
    """

    def trimmed(module: Module, wanted: set[Ref]) -> Module:
        outputs = frozenset(ref.node for ref in module.outputs if ref in wanted)
        key, kept = ("needed", outputs), module.body.kept
        if key not in kept:
            kept[key] = _body(module.body, outputs)
        body: Body = kept[key]
        if body is module.body:
            return module
        names = {port.name for port in body.ports}
        pairs = zip(module.body.ports, module.inputs, strict=True)
        inputs = tuple(ref for port, ref in pairs if port.name in names)
        return replace(module, body=body, inputs=inputs)

    heads = [module for module in graph.modules if module.role in ("head", "auxiliary")]
    results = {ref for module in heads for ref in module.outputs}
    live, wanted = live_steps(
        results,
        graph.modules,
        lambda module: module.outputs,
        lambda module, wanted: trimmed(module, wanted).inputs,
    )
    kept = [trimmed(m, wanted) for m, is_live in zip(graph.modules, live, strict=True) if is_live]
    for_head = _modules_for(graph.logits, kept)
    modules = (
        replace(module, for_auxiliary=True) if not is_for_head else module
        for module, is_for_head in zip(kept, for_head, strict=True)
    )
    return graph.with_modules(tuple(modules))


def _modules_for(result: Ref, modules: list[Module]) -> Iterable[bool]:
    """For each module, whether the result needs it; a module runs whole or not at all."""
    live, _ = live_steps(
        (result.module,),
        modules,
        lambda module: (module.name,),
        lambda module, _: (ref.module for ref in module.inputs),
    )
    return live


def _body(body: Body, outputs: frozenset[str]) -> Body:
    """The body without nodes that none of `outputs` needs, but for parts that are kept."""
    kept = {node.name for part in body.parts if part.kept for node in part.nodes}
    live, wanted = live_steps(
        outputs | kept, body.nodes, lambda node: (node.name,), lambda node, _: node.inputs
    )
    used = {port.name for port in body.ports} <= wanted
    if used and all(live) and len(outputs) == len(body.outputs):
        return body
    names = {node.name for node, is_live in zip(body.nodes, live, strict=True) if is_live}
    parts = [
        part._replace(nodes=tuple(node for node in part.nodes if node.name in names))
        for part in body.parts
    ]
    blocks = {part.block for part in parts if part.nodes and part.block}
    return Body(
        tuple(port for port in body.ports if port.name in wanted),
        tuple(part for part in parts if part.nodes or part.block in blocks),
        tuple(name for name in body.outputs if name in outputs),
    )
