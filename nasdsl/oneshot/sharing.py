"""Sharing: which layers of a super-network are a member's, and which of their channels.

Purpose: `shares`, a table from the layers of a member's network to those of the super-network.
A cell that passes on the blocks that nothing reads passes on other channels in every member. What
reads it has weights for all of them, and a member uses those of the states that are there. (ENAS
gathers slices of its 1x1 convolutions in the same way, `micro_child.py`, `_enas_layer`.)
Non-goals: tensors; backends cut and copy them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from nasdsl.errors import cell_error
from nasdsl.network.graph import Module, NetworkGraph, Part, Ref
from nasdsl.oneshot.cells import merged
from nasdsl.oneshot.graph import SuperCell, SuperGraph
from nasdsl.oneshot.signature import sets_channels
from nasdsl.primitives import PRIMITIVES, Node


class Channels(NamedTuple):
    """Channels of a state of the super-network that a member has.

    Attributes:
        ranges: the first of each stretch and the one after its last, in the member's order.
        width: how many there are in the super-network.
    """

    ranges: tuple[tuple[int, int], ...]
    width: int

    @property
    def all(self) -> bool:
        """Whether the member has every one."""
        return self.ranges == ((0, self.width),)


class Share(NamedTuple):
    """A layer of the super-network, as a member has it.

    Attributes:
        path: of the layer in the super-network.
        channels: those of its tensors that are the member's; None for all.
        dim: of the tensors' dimensions, the one of these channels: 1 where the layer reads them,
            0 where it keeps them.
    """

    path: str
    channels: Channels | None = None
    dim: int = 1


def shares(graph: SuperGraph, member: NetworkGraph) -> dict[str, dict[str, Share]]:
    """What the layers of a member's network share, by module and by the layer's name there.

    Modules with the same body and the same inputs get the same table.

    Args:
        graph: the super-network.
        member: the network of a genotype of its space, before any passes.
    """
    cells, found = graph.cells, dict[str, dict[str, Share]]()
    passed_on: dict[Ref, Channels] = {}
    for module in member.modules:
        values = tuple(
            passed_on[ref] if ref in passed_on else _all(port.shape.channels)
            for port, ref in zip(module.body.ports, module.inputs, strict=True)
        )
        key, kept = ("shares", module.name, values), module.body.kept
        if key not in kept or kept[key][0] is not graph:
            kept[key] = graph, *_of_module(graph, cells.get(module.name), module, values)
        _, found[module.name], gives = kept[key]
        passed_on |= gives
    return found


def _of_module(
    graph: SuperGraph, cell: SuperCell | None, module: Module, values: tuple[Channels, ...]
) -> tuple[dict[str, Share], dict[Ref, Channels]]:
    """What the layers of a module share, and the channels of what a cell passes on."""
    found = dict[str, Share]()
    given = {port.name: value for port, value in zip(module.body.ports, values, strict=True)}
    if cell is None:
        for part in module.body.parts:
            paths = [f"{module.name}.{node.name}" for node in part.nodes]
            found |= _followed(part, paths, given)
        return found, {}
    for part in module.body.parts:
        if not part.nodes or (part.label == "concat" and part.role == "output"):
            continue
        if part.role == "input":
            found |= _of_part(graph, cell, part, given)
            continue
        # Members have many parts in common, and those of blocks depend on nothing else.
        known = cell.parts.get(part)
        if known is None:
            known = cell.parts[part] = _of_part(graph, cell, part, {})
        found |= known
    return found, _passed_on(cell, module)


def _of_part(
    graph: SuperGraph, cell: SuperCell, part: Part, given: Mapping[str, Channels]
) -> dict[str, Share]:
    opens = part.role == "input"
    chain = cell.chains.name(_prefix(graph, cell, part), part.nodes, open_channels=opens)
    paths = [f"{cell.name}.{chain}.{index}" for index in range(len(part.nodes))]
    return _followed(part, paths, given)


def _prefix(graph: SuperGraph, cell: SuperCell, part: Part) -> str:
    if part.role in ("input", "output"):
        return part.path
    if part.role == "combine":
        return f"{part.path}-{part.label}"
    block, side = part.path.split(".")
    word = "edge" if graph.merge_edges and merged(cell.space.blocks[int(block[1:])]) else side
    read = part.nodes[0].inputs[0] if part.nodes else ""
    return f"{block}.{word}.{_key(read)}-{part.label}"


def _key(node: str) -> str:
    """The state that a node holds: `input1.2` holds h[i-1], `output.b3.0` the result of b3."""
    word, _, rest = node.partition(".")
    if word == "output":
        word = rest.partition(".")[0]
    return word.replace("input", "h")


def _passed_on(cell: SuperCell, module: Module) -> dict[Ref, Channels]:
    """The channels of everything that a cell of a member passes on."""
    nodes = {node.name: node for node in module.body.nodes}
    found = {}
    for name in module.body.outputs:
        joined = nodes[name].inputs if name == "output.concat" else (name,)
        keys = [_key(each) for each in joined]
        output = next(o for o in cell.outputs if set(keys) <= set(o.widths))
        places = output.places()
        pieces = [
            (places[key], places[key] + nodes[each].shape.channels)
            for key, each in zip(keys, joined, strict=True)
        ]
        found[Ref(module.name, name)] = Channels(_stretches(pieces), output.channels)
    return found


def _all(channels: int) -> Channels:
    return Channels(((0, channels),), channels)


def _followed(part: Part, paths: list[str], given: Mapping[str, Channels]) -> dict[str, Share]:
    """The shares of a part's layers; channels are followed through it from what it is given."""
    found, values = {}, dict(given)
    for node, path in zip(part.nodes, paths, strict=True):
        read = [values.get(name) or _all(node.before.channels) for name in node.inputs]
        channels = _joined(read) if node.primitive == "concat" else read[0]
        if PRIMITIVES[node.primitive].tensors(node):
            found[node.name] = _share(path, node, channels)
        elif node.primitive == "dropout":
            found[node.name] = Share(path)
        values[node.name] = _all(node.shape.channels) if sets_channels(node) else channels
    return found


#: By primitive, the dimension of its tensors that is that of the channels it reads.
_DIMENSIONS = {"conv": 1, "factorized_reduce": 1, "linear": 1, "batch_norm": 0}


def _share(path: str, node: Node, channels: Channels) -> Share:
    if channels.all:
        return Share(path)
    if node.primitive not in _DIMENSIONS:
        raise cell_error(
            "NAS890",
            f"`{node.primitive}` cannot share its weights at {path}, where the number of channels "
            "depends on other choices",
            "name what the cell passes on: `output concat(...)`",
        )
    return Share(path, channels, _DIMENSIONS[node.primitive])


def _joined(read: list[Channels]) -> Channels:
    pieces, width = list[tuple[int, int]](), 0
    for channels in read:
        pieces += [(width + first, width + after) for first, after in channels.ranges]
        width += channels.width
    return Channels(_stretches(pieces), width)


def _stretches(pieces: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same channels, where pieces that follow one another are one."""
    made: list[tuple[int, int]] = []
    for first, after in pieces:
        if made and made[-1][1] == first:
            made[-1] = made[-1][0], after
        else:
            made.append((first, after))
    return tuple(made)
