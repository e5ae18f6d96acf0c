"""The pass `hoist`: apply a ReLU where a state is made, once, and not where it is read.

Purpose: the cells after a module all begin with the ReLU of its output. Applied by the
module itself it is computed once and, where nobody reads the state without it, in the
state's own memory; and training keeps one tensor where it kept one for each reader.
Non-goals: ReLUs between nodes of one body (`nasdsl.passes.merge`).

A state `output.concat` becomes, or is joined by, `output.concat.relu`. Names of nodes with
parameters do not change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nasdsl.network.graph import Body, Module, NetworkGraph, Node, Part, Port, Ref, once_a_body
from nasdsl.passes.pipeline import Pass
from nasdsl.values import require_types

#: What the name of a hoisted ReLU adds to the state's.
SUFFIX = ".relu"


def activated(ref: Ref) -> Ref:
    """The state after its hoisted ReLU."""
    require_types(ref=(ref, Ref))
    return Ref(ref.module, f"{ref.node}{SUFFIX}")


@dataclass(slots=True)
class _Readers:
    """How many ports read a state through a ReLU, and how many as it is."""

    activated: int = 0
    raw: int = 0

    @property
    def worth_it(self) -> bool:
        return self.activated > 1 or (self.activated == 1 and not self.raw)


@dataclass(slots=True)
class _Use:
    """The ReLUs on a port, and whether something else reads it."""

    relus: list[str] = field(default_factory=list)
    raw: bool = False


def hoisted(graph: NetworkGraph) -> NetworkGraph:
    """The graph with ReLUs that states are read through moved to where they are made."""
    readers: dict[Ref, _Readers] = {}
    for module in graph.modules:
        for use, ref in zip(_uses(module.body).values(), module.inputs, strict=True):
            found = readers.setdefault(ref, _Readers())
            found.activated += bool(use.relus)
            found.raw += use.raw
    made = {ref for module in graph.modules for ref in module.outputs}
    moved = {
        ref
        for ref in made
        if ref in readers and readers[ref].worth_it and activated(ref) not in made
    }
    moves = {ref: readers[ref].raw > 0 for ref in moved}
    return graph.with_modules(tuple(_rewritten(module, moves) for module in graph.modules))


@once_a_body
def _uses(body: Body) -> dict[str, _Use]:
    uses = {port.name: _Use() for port in body.ports}
    for node in body.nodes:
        for name in node.inputs:
            if name not in uses:
                continue
            if node.primitive == "relu" and node.name not in body.outputs:
                uses[name].relus.append(node.name)
            else:
                uses[name].raw = True
    return uses


def _rewritten(module: Module, moved: Mapping[Ref, bool]) -> Module:
    """The module with new ports and new outputs; those that compute the same still share a body.

    Args:
        module: of a graph.
        moved: for each state whose ReLU moves, whether it is read as it is, too.
    """
    body = module.body
    arriving = tuple(ref in moved for ref in module.inputs)
    leaving = tuple(moved.get(ref) for ref in module.outputs)
    if not any(arriving) and all(kept is None for kept in leaving):
        return module
    uses, key = _uses(body), ("hoist", arriving, leaving)
    if key not in body.kept:
        body.kept[key] = _body(body, uses, arriving, dict(zip(body.outputs, leaving, strict=True)))
    inputs = []
    for ref, moves, use in zip(module.inputs, arriving, uses.values(), strict=True):
        if not moves or use.raw:
            inputs.append(ref)
        if moves and use.relus:
            inputs.append(activated(ref))
    return replace(module, body=body.kept[key], inputs=tuple(inputs))


def _body(
    body: Body,
    uses: dict[str, _Use],
    arriving: tuple[bool, ...],
    leaving: dict[str, bool | None],
) -> Body:
    ports: list[Port] = []
    stands_for: dict[str, str] = {}
    for port, moves, use in zip(body.ports, arriving, uses.values(), strict=True):
        if not moves or use.raw:
            ports.append(port)
        if moves and use.relus:
            ports.append(port if not use.raw else Port(f"{port.name}{SUFFIX}", port.shape))
            stands_for |= dict.fromkeys(use.relus, ports[-1].name)
    parts = (_part(part, stands_for, leaving) for part in body.parts)
    outputs: list[str] = []
    for name, kept in leaving.items():
        if kept is not False:
            outputs.append(name)
        if kept is not None:
            outputs.append(f"{name}{SUFFIX}")
    return Body(tuple(ports), tuple(parts), tuple(outputs))


def _part(part: Part, stands_for: dict[str, str], leaving: dict[str, bool | None]) -> Part:
    return part._replace(nodes=tuple(_nodes(part, stands_for, leaving)))


def _nodes(
    part: Part, stands_for: dict[str, str], leaving: dict[str, bool | None]
) -> Iterator[Node]:
    for node in part.nodes:
        if node.name in stands_for:
            continue
        yield node.reading(stands_for)
        if leaving.get(node.name) is not None:
            relu = f"{node.name}{SUFFIX}"
            yield Node(relu, "relu", (node.name,), node.shape, node.shape)


PASS = Pass("hoist", hoisted, "apply a ReLU where a state is made, not where it is read")
