"""Stacks: the list of hidden states, and modules appended to it.

Purpose: what all skeletons do alike. Every module appends its outputs to the list of hidden
states, and h[i-k] counts back from the list's end; that one rule serves cells that
concatenate (NASNet-A, -C) and cells that pass on each state (NASNet-B).
Non-goals: which cells are stacked (`nasdsl.skeletons`, a plan each).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nasdsl.language.genotype.types import CellKind, Genotype
from nasdsl.network import layers
from nasdsl.network.bodies import Bodies
from nasdsl.network.cells import (
    BodyState,
    CellExpansion,
    CellRules,
    Given,
    concatenated,
    plain_part,
)
from nasdsl.network.configuration import Configuration
from nasdsl.network.graph import (
    IMAGE,
    Body,
    Module,
    ModuleRole,
    Node,
    Padding,
    Port,
    Ref,
    Shape,
)

#: A named layer of a stem or a head: the name and the node.
NamedNode = tuple[str, Node]


class PlannedCell(NamedTuple):
    """A cell that a skeleton stacks, before anything is known about its insides.

    Attributes:
        name: of the module: `stem_cells.0`, `cells.7`.
        kind: which of the genotype's cells.
        stride: 2 where it reduces.
        times: its filters are those of the first cell times this,
        over: divided by this and rounded down.
        in_stem: whether it is a part of the stem.
        before_auxiliary: whether the auxiliary classifier reads it.
    """

    name: str
    kind: CellKind
    stride: int = 1
    times: int = 1
    over: int = 1
    in_stem: bool = False
    before_auxiliary: bool = False

    def filters(self, cell_filters: int) -> int:
        """Its filters where the first cell has `cell_filters`."""
        return cell_filters * self.times // self.over


class Auxiliary(NamedTuple):
    """What skeletons do differently in the auxiliary classifier.

    Attributes:
        window: height and width of the average pool it begins with; no smaller map will do.
        pool_stride: of that pool.
        filters: of its two convolutions.
        padding: of the second, whose kernel is as large as what it reads.
        last_norm: whether batch norm follows the second.
        bias: whether the fully connected layer adds one.
    """

    window: int = 5
    pool_stride: int = 3
    filters: tuple[int, int] = (128, 768)
    padding: Padding = "valid"
    last_norm: bool = True
    bias: bool = True


#: Slim's (`_build_aux_head`), and DARTS' for CIFAR-10.
AUXILIARY = Auxiliary()


@dataclass(frozen=True, slots=True)
class HiddenState:
    """An entry of the list of hidden states."""

    ref: Ref
    shape: Shape


@dataclass(slots=True)
class Stack:
    """A network under construction.

    Attributes:
        genotype: the cells.
        configuration: the choices around them.
        rules: what the skeleton does differently inside cells.
        plan: the cells to stack.
        depth: from a cell's place, counted from 1, and the number of cells to its depth.
        auxiliary: the skeleton's auxiliary classifier, on this stem.
        own: the cells that the skeleton brings itself, in place of the genotype's.
        bodies: what networks of the same vocabulary and configuration have made before.
        hidden: the list of hidden states, oldest first.
        modules: what is stacked so far.
    """

    genotype: Genotype
    configuration: Configuration
    rules: CellRules
    plan: tuple[PlannedCell, ...]
    depth: Callable[[int, int], float]
    auxiliary: Auxiliary | None
    own: Genotype | None = None
    bodies: Bodies = field(default_factory=Bodies)
    hidden: list[HiddenState] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)

    @property
    def image(self) -> HiddenState:
        """The network's input."""
        size = self.configuration.image_size
        return HiddenState(IMAGE, Shape(self.configuration.input_channels, size, size))

    def stem(self, name: str, source: HiddenState, chain: Sequence[NamedNode]) -> HiddenState:
        """Append a chain of layers that reads `source`."""
        port = Port(source.ref.node if source.ref == IMAGE else "h0", source.shape)
        nodes = _named_nodes(chain, port.name)
        body = Body((port,), (plain_part("", "stem", name, nodes),), (nodes[-1].name,))
        self._append(Module(name, "stem", self.bodies.first(body), (source.ref,)))
        return self.hidden[-1]

    def cells(self, skip_reduction_input: bool = False) -> list[list[HiddenState]]:
        """Append the planned cells in order; what each gives.

        Args:
            skip_reduction_input: whether the cell after a reduction does not see what the cell
                before that reduction gave.
        """
        made: list[list[HiddenState]] = []
        reads = self.hidden
        for place, planned in enumerate(self.plan, 1):
            older = self.hidden[: -len(made[-1])] if made else []
            made.append(self._cell(planned, self.depth(place, len(self.plan)), reads))
            skips = skip_reduction_input and planned.kind == "reduction" and not planned.in_stem
            reads = [*older, *made[-1]] if skips else self.hidden
        return made

    def before_auxiliary(self, cells: Sequence[Sequence[HiddenState]]) -> Sequence[HiddenState]:
        """Of what the planned cells give, that which the auxiliary classifier reads."""
        pairs = zip(self.plan, cells, strict=True)
        return next(made for planned, made in pairs if planned.before_auxiliary)

    def _cell(
        self, planned: PlannedCell, depth: float, hidden: Sequence[HiddenState]
    ) -> list[HiddenState]:
        """Append a cell that reads a list of hidden states.

        Where the list is too short, the newest state stands in for the older ones.
        """
        kind, stride = planned.kind, planned.stride
        filters = planned.filters(self.configuration.cell_filters)
        expansion = self._expansion(kind)
        backs = range(expansion.reach)
        states = [hidden[-1 - back] if back < len(hidden) else hidden[-1] for back in backs]
        given = tuple(Given(state.shape, back >= len(hidden)) for back, state in enumerate(states))
        body = expansion.body(given, stride, filters)
        inputs = tuple(states[int(port.name[1:])].ref for port in body.ports)
        return self._append(
            Module(planned.name, "cell", body, inputs, kind, stride, filters, depth)
        )

    def classifier(
        self, name: ModuleRole, states: Sequence[HiddenState], chain: Sequence[NamedNode]
    ) -> None:
        """Append a head: states concatenated, then a chain that begins at `joined(states)`."""
        newest = len(states) - 1
        ports = tuple(Port(f"h{newest - i}", state.shape) for i, state in enumerate(states))
        nodes: tuple[Node, ...] = ()
        source = ports[0].name
        if len(ports) > 1:
            nodes = (concatenated("concat", [BodyState(*port) for port in ports]),)
            source = "concat"
        nodes += _named_nodes(chain, source)
        body = Body(ports, (plain_part("", "head", name, nodes),), (nodes[-1].name,))
        inputs = tuple(state.ref for state in states)
        self.modules.append(Module(name, name, self.bodies.first(body), inputs))

    def _expansion(self, kind: CellKind) -> CellExpansion:
        own = self.own is not None and self.own.cell(kind) is not None
        source = self.own if self.own and own else self.genotype
        cell = source.cell(kind)
        assert cell is not None, "the skeleton asks for its cells"
        drops = self.configuration.drop_path > 0
        return self.bodies.expansion(cell, source.vocabulary, self.rules, drops)

    def _append(self, module: Module) -> list[HiddenState]:
        self.modules.append(module)
        shapes = module.body.output_shapes
        made = [HiddenState(*pair) for pair in zip(module.outputs, shapes, strict=True)]
        self.hidden += made
        return made


def joined(states: Sequence[HiddenState]) -> Shape:
    """The shape of states concatenated over their channels."""
    _, height, width = states[0].shape
    return Shape(sum(state.shape.channels for state in states), height, width)


def stem_layers(
    shape: Shape, filters: int, stride: int, padding: Padding, suffix: str = ""
) -> list[NamedNode]:
    """A stem's 3x3 convolution and batch norm."""
    conv = layers.convolution(shape, filters, (3, 3), stride, padding)
    norm = layers.pointwise("batch_norm", conv.shape)
    return [(f"conv{suffix}", conv), (f"batch_norm{suffix}", norm)]


def head_layers(shape: Shape, configuration: Configuration, bias: bool = True) -> list[NamedNode]:
    """Mean over height and width, dropout, fully connected layer."""
    pooled = Shape(shape.channels, 1, 1)
    return [
        ("pool", mean(shape)),
        *([("dropout", layers.pointwise("dropout", pooled))] if configuration.dropout > 0 else []),
        ("linear", linear(pooled, configuration.classes, bias)),
    ]


def auxiliary_layers(shape: Shape, classes: int, kind: Auxiliary = AUXILIARY) -> list[NamedNode]:
    """The auxiliary classifier.

    ReLU, average pool (5x5) without padding, 1x1 convolution, batch norm, ReLU, a convolution
    as large as what is left, batch norm, ReLU, a mean where it pads, fully connected layer.
    """
    size = [(pixels - kind.window) // kind.pool_stride + 1 for pixels in shape[1:]]
    small = Shape(shape.channels, size[0], size[1])
    strides = (kind.pool_stride, kind.pool_stride)
    pool = Node("", "avg_pool", (), shape, small, (kind.window, kind.window), strides, 1, "valid")
    project = layers.convolution(small, kind.filters[0])
    whole = layers.convolution(project.shape, kind.filters[1], small[1:], 1, kind.padding)
    pooled = Shape(whole.shape.channels, 1, 1)
    return [
        ("relu0", layers.pointwise("relu", shape)),
        ("pool", pool),
        ("conv0", project),
        ("batch_norm0", layers.pointwise("batch_norm", project.shape)),
        ("relu1", layers.pointwise("relu", project.shape)),
        ("conv1", whole),
        *([("batch_norm1", layers.pointwise("batch_norm", whole.shape))] if kind.last_norm else []),
        ("relu2", layers.pointwise("relu", whole.shape)),
        *([("mean", mean(whole.shape))] if kind.padding != "valid" else []),
        ("linear", linear(pooled, classes, kind.bias)),
    ]


def mean(shape: Shape) -> Node:
    """The mean over height and width."""
    return Node("", "global_avg_pool", (), shape, Shape(shape.channels, 1, 1))


def linear(shape: Shape, classes: int, bias: bool = True) -> Node:
    """A fully connected layer."""
    return Node("", "linear", (), shape, Shape(classes, 1, 1), bias=bias)


def _named_nodes(chain: Sequence[NamedNode], source: str) -> tuple[Node, ...]:
    nodes = []
    for name, node in chain:
        nodes.append(node._replace(name=name, inputs=(source,)))
        source = name
    return tuple(nodes)
