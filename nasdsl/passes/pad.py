"""The pass `pad`: give states channels of zeros, so that their number is a multiple of 16.

Purpose: ONNX Runtime and OpenVINO keep images in blocks of 16 channels (8 without AVX-512). A
concatenation of states that end within a block is copied to another layout and back, and each
state is filled up to whole blocks anyway.
Non-goals: states that meet a normalisation, which would count the zeros.

Where a padded state has its real channels follows from how it is made: a convolution may put them
anywhere, a factorized reduction has some in each half, a concatenation those of its states one
after another. What reads it multiplies the others by zero.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from nasdsl.network.derived import Derived
from nasdsl.network.graph import IMAGE, Body, Module, NetworkGraph, Node, Port, Ref, Shape
from nasdsl.passes.pipeline import Pass
from nasdsl.primitives import PRIMITIVES

#: Channels of a block.
BLOCK = 16
#: What gives each channel of its input a channel, and zeros where that has zeros.
_CHANNELWISE = (
    *("relu", "depthwise", "avg_pool", "max_pool", "sum", "identity"),
    *("global_avg_pool", "drop_path", "dropout"),
)
#: What may have any number of channels.
_FREE = ("conv", "factorized_reduce", "zero")


class ChannelLayout(NamedTuple):
    """Where a state has its channels.

    Attributes:
        places: of the real channels, in their order.
        channels: how many there are with those of zeros.
    """

    places: tuple[int, ...]
    channels: int


def padded(graph: NetworkGraph) -> NetworkGraph:
    """The graph with the channels of states rounded up to whole blocks."""
    layouts = _layouts(graph)
    if all(len(one.places) == one.channels for one in layouts.values()):
        return graph
    return _Padded(graph, layouts).graph()


# -- layouts ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Classes:
    """States that have one layout, because channelwise nodes connect them."""

    above: dict[Ref, Ref] = field(default_factory=dict)

    def root(self, ref: Ref) -> Ref:
        while (found := self.above.setdefault(ref, ref)) != ref:
            self.above[ref] = self.above.setdefault(found, found)
            ref = found
        return ref

    def unite(self, one: Ref, other: Ref) -> None:
        self.above[self.root(other)] = self.root(one)


def _nodes_with_states(graph: NetworkGraph) -> list[tuple[Ref, Node, tuple[Ref, ...]]]:
    """Every node with its state and the states it reads."""
    found = []
    for module in graph.modules:
        refs = {port.name: ref for port, ref in zip(module.body.ports, module.inputs, strict=True)}
        for node in module.body.nodes:
            refs[node.name] = Ref(module.name, node.name)
            found.append((refs[node.name], node, tuple(refs[name] for name in node.inputs)))
    return found


def _layouts(graph: NetworkGraph) -> dict[Ref, ChannelLayout]:
    """The layout of each state."""
    nodes = _nodes_with_states(graph)
    classes = _Classes()
    for made, node, reads in nodes:
        if node.primitive in _CHANNELWISE:
            for read in reads:
                classes.unite(made, read)
    fixed = {classes.root(IMAGE)}
    for made, node, reads in nodes:
        if node.primitive in (*_CHANNELWISE, *_FREE, "concat"):
            continue
        fixed.add(classes.root(made))
        if node.primitive != "linear":
            fixed |= {classes.root(read) for read in reads}
    while True:
        found = _class_layouts(nodes, classes, fixed)
        conflicts = {
            classes.root(state)
            for made, node, reads in nodes
            if node.primitive == "concat"
            and found[classes.root(made)] != _concatenated([found[classes.root(r)] for r in reads])
            for state in (made, *reads)
        }
        if conflicts <= fixed:
            states = (IMAGE, *(made for made, _, _ in nodes))
            return {state: found[classes.root(state)] for state in states}
        fixed |= conflicts


def _class_layouts(
    nodes: list[tuple[Ref, Node, tuple[Ref, ...]]], classes: _Classes, fixed: set[Ref]
) -> dict[Ref, ChannelLayout]:
    """A layout for each class: that of its first concatenation or of its reductions."""
    found: dict[Ref, ChannelLayout] = {}
    halved = {classes.root(m) for m, node, _ in nodes if node.primitive == "factorized_reduce"}
    joined: set[Ref] = set()
    for made, node, reads in nodes:
        for ref, channels in (
            *((read, node.before.channels) for read in reads[:1]),
            (made, node.shape.channels),
        ):
            root = classes.root(ref)
            if root in found:
                continue
            if root in fixed:
                found[root] = ChannelLayout(tuple(range(channels)), channels)
            elif node.primitive == "concat" and ref == made and root not in halved:
                found[root] = _concatenated([found[classes.root(read)] for read in reads])
                joined.add(root)
            else:
                found[root] = _rounded(channels, root in halved)
    return found


def _rounded(channels: int, halved: bool) -> ChannelLayout:
    whole = -(-channels // BLOCK) * BLOCK
    first = channels // 2 if halved else channels
    return ChannelLayout((*range(first), *range(whole // 2, whole // 2 + channels - first)), whole)


def _concatenated(layouts: list[ChannelLayout]) -> ChannelLayout:
    places: list[int] = []
    channels = 0
    for one in layouts:
        places += [channels + place for place in one.places]
        channels += one.channels
    return ChannelLayout(tuple(places), channels)


# -- the graph ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Padded:
    """Modules with padded states; those that compute the same still share a body."""

    old: NetworkGraph
    layouts: dict[Ref, ChannelLayout]
    tensors: dict[str, Derived] = field(default_factory=dict)
    _bodies: dict[tuple[object, ...], Body] = field(default_factory=dict)

    def graph(self) -> NetworkGraph:
        modules = tuple(self._module(module) for module in self.old.modules)
        return replace(self.old, modules=modules, tensors={**self.old.tensors, **self.tensors})

    def _module(self, module: Module) -> Module:
        states = {
            port.name: self.layouts[ref]
            for port, ref in zip(module.body.ports, module.inputs, strict=True)
        }
        for node in module.body.nodes:
            states[node.name] = self.layouts[Ref(module.name, node.name)]
        key = id(module.body), tuple(states.values())
        if key not in self._bodies:
            self._bodies[key] = _body(module.body, states)
        for node in module.body.nodes:
            self._place(module, node, states)
        return replace(module, body=self._bodies[key])

    def _place(self, module: Module, node: Node, states: dict[str, ChannelLayout]) -> None:
        """Say what the tensors of a node are."""
        made, read = states[node.name], states[node.inputs[0]]
        for tensor in PRIMITIVES[node.primitive].tensors(node):
            name = f"{module.name}.{node.name}.{tensor.name}"
            path = tensor.name.removesuffix("weight").removesuffix("bias")
            out = made
            if node.primitive == "factorized_reduce":
                out = _half(made, second=path == "conv1.")
            reads = None if len(tensor.sizes) < 2 or node.primitive == "depthwise" else read
            if _is_plain(out) and (reads is None or _is_plain(reads)):
                continue
            self.tensors[name] = Derived(partial(_spread, out, reads), (self.old.tensor(name),))


def _half(layout: ChannelLayout, second: bool) -> ChannelLayout:
    middle = layout.channels // 2
    if not second:
        return ChannelLayout(tuple(place for place in layout.places if place < middle), middle)
    places = tuple(place - middle for place in layout.places if place >= middle)
    return ChannelLayout(places, layout.channels - middle)


def _is_plain(layout: ChannelLayout) -> bool:
    return len(layout.places) == layout.channels


def _body(body: Body, states: dict[str, ChannelLayout]) -> Body:
    def wide(shape: Shape, name: str) -> Shape:
        return shape._replace(channels=states[name].channels)

    ports = tuple(Port(port.name, wide(port.shape, port.name)) for port in body.ports)
    parts = tuple(
        part._replace(
            nodes=tuple(
                node._replace(
                    before=wide(node.before, node.inputs[0]), shape=wide(node.shape, node.name)
                )
                for node in part.nodes
            )
        )
        for part in body.parts
    )
    return Body(ports, parts, body.outputs)


def _spread(out: ChannelLayout, reads: ChannelLayout | None, tensor: Any) -> Any:
    """A kernel or bias with zeros for the channels that are none."""
    sizes = [out.channels, *tensor.shape[1:]]
    if reads is not None:
        sizes[1] = reads.channels
    made = tensor.new_zeros(sizes)
    if reads is None:
        made[list(out.places)] = tensor
    else:
        rows = tensor.new_zeros((tensor.shape[0], *sizes[1:]))
        rows[:, list(reads.places)] = tensor
        made[list(out.places)] = rows
    return made


PASS = Pass("pad", padded, "round the channels of states up to whole blocks", inference=True)
