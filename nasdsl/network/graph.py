"""NetworkGraph: every primitive of a network, with concrete shapes.

Purpose: what the cost model, the passes and every backend read. It is hierarchical, so that
a network of a thousand cells stays small: modules in order, each with a `Body`; modules
that compute the same thing share one `Body` object.
Non-goals: the primitives themselves (`nasdsl.primitives`), how a graph is made
(`nasdsl.network.expand`), whether it is sound (`nasdsl.network.verify`), weights.

Names are stable: they follow from positions alone, never from what a user called a block,
so that they may become parameter paths. In the body of a cell

- `h0`, `h1`, ... are the ports: the hidden states h[i], h[i-1], ... as they arrive;
- `input1.0`, `input1.1`, ... bring h[i-1] to the cell's size and filters;
- `b3.left.0`, ... `b3.left.drop_path` are the left op of the cell's fourth block, then
  `b3.right...` and `b3.combine.0`, ...;
- `output.h1.0`, `output.b3.0`, ... match one state of the output, `output.concat` joins them.

The full name puts the module before it: `cells.7.b3.left.0`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import Any, Literal, NamedTuple, TypeVar

from nasdsl.language.genotype.display import mime_bundle
from nasdsl.language.genotype.types import CellKind, Genotype
from nasdsl.network.configuration import Configuration
from nasdsl.network.derived import Derived
from nasdsl.primitives import Node as Node
from nasdsl.primitives import Padding as Padding
from nasdsl.primitives import Shape as Shape

Found = TypeVar("Found")
PartRole = Literal["input", "op", "combine", "output", "stem", "head"]
ModuleRole = Literal["stem", "cell", "head", "auxiliary"]


class Port(NamedTuple):
    """A state a body is given."""

    name: str
    shape: Shape


class Part(NamedTuple):
    """Nodes that belong together: one op, one combine, what prepares one input, ...

    Attributes:
        path: what the names of its nodes begin with, `b3.left`; empty in stems and heads.
        role: what it is for.
        label: the op's or combine's name, or the hidden state, as the text writes it.
        block: the block's name as the text writes it; empty outside blocks.
        nodes: in order. An op that passes its input through has none.
        kept: whether they are built, counted and stored though nothing reads them, as the
            skeleton's released code does.
    """

    path: str
    role: PartRole
    label: str
    block: str
    nodes: tuple[Node, ...]
    kept: bool = False


@dataclass(frozen=True)
class Body:
    """What a module computes: ports, parts in order, and the names of the nodes it gives."""

    ports: tuple[Port, ...]
    parts: tuple[Part, ...]
    outputs: tuple[str, ...]

    def __reduce__(self) -> tuple[type["Body"], tuple[object, ...]]:
        # A copy finds anew what is kept here.
        return Body, (self.ports, self.parts, self.outputs)

    # Everything that works on a graph asks for them, some of it for each choice of a member.
    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of all parts; each reads ports and earlier nodes only."""
        return tuple(node for part in self.parts for node in part.nodes)

    @property
    def unread(self) -> frozenset[str]:
        """The nodes that nothing reads and that are no outputs."""
        nodes = self.nodes
        read = {name for node in nodes for name in node.inputs}
        return frozenset(node.name for node in nodes) - read - {*self.outputs}

    @cached_property
    def output_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the outputs, in their order."""
        shapes = {node.name: node.shape for node in self.nodes}
        return tuple(shapes[name] for name in self.outputs)

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What follows from the body, for as long as it lives; see `once_a_body`."""
        return {}


def once_a_body(function: Callable[[Body], Found]) -> Callable[[Body], Found]:
    """A function of a body alone, which keeps on each body what it found there.

    Networks of many members of a space share bodies, and what is done with them.
    """

    @wraps(function)
    def found(body: Body) -> Found:
        kept = body.kept
        if found not in kept:
            kept[found] = function(body)
        made: Found = kept[found]
        return made

    return found


class Ref(NamedTuple):
    """An output of an earlier module, or the image."""

    module: str
    node: str

    def __str__(self) -> str:
        return f"{self.module}.{self.node}" if self.module else self.node


#: The network's input.
IMAGE = Ref("", "image")


@dataclass(frozen=True, slots=True)
class Module:
    """A body at its place in the network.

    Attributes:
        name: `stem`, `stem_cells.0`, `cells.7`, `head`, `auxiliary`, ...
        role: `stem`, `cell`, `head` or `auxiliary`.
        body: shared by modules that compute the same.
        inputs: what each port of the body is given, in the order of the ports.
        kind: which of the genotype's cells, for cells.
        stride: 2 for a cell that reduces.
        filters: the cell's filters F.
        depth: ScheduledDropPath: the cell's place, counted from 1 with the stem cells, over
            the number of cells. A path is dropped with the probability
            drop_path * depth * progress, and what is kept is divided by one minus that;
            1 in the DARTS skeleton, whose drop path has no such term; 0 outside cells.
        for_auxiliary: whether only the auxiliary classifier needs it.
    """

    name: str
    role: ModuleRole
    body: Body
    inputs: tuple[Ref, ...]
    kind: CellKind | None = None
    stride: int = 1
    filters: int = 0
    depth: float = 0.0
    for_auxiliary: bool = False

    @property
    def outputs(self) -> tuple[Ref, ...]:
        """What later modules may read."""
        return tuple(Ref(self.name, output) for output in self.body.outputs)


@dataclass(frozen=True, slots=True)
class NetworkGraph:
    """A genotype on a skeleton: modules in the order they are computed.

    `configuration` has what concerns the whole network: batch norm's epsilon and momentum, the
    probabilities of drop path and dropout, the image's shape. `genotype` is what it was made
    from, where it was made from one: exports carry its text. `before` is the graph that the
    first pass was given, where `nasdsl.passes.run` has run one; `passes` are those that ran.

    A network for `inference` lacks what only training needs. Its passes may change tensors:
    `tensors` has those that are not those of `plain` under the same name.
    """

    name: str
    configuration: Configuration
    modules: tuple[Module, ...]
    genotype: Genotype | None = field(default=None, compare=False, repr=False)
    before: "NetworkGraph | None" = field(default=None, compare=False, repr=False)
    inference: bool = False
    tensors: Mapping[str, Derived] = field(default_factory=dict, compare=False, repr=False)
    passes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def image(self) -> Shape:
        """The shape of the network's input."""
        size = self.configuration.image_size
        return Shape(self.configuration.input_channels, size, size)

    def module(self, name: str) -> Module | None:
        """The module of that name, or None."""
        return next((module for module in self.modules if module.name == name), None)

    @property
    def logits(self) -> Ref:
        """The network's result."""
        return self._last("head")

    @property
    def auxiliary_logits(self) -> Ref | None:
        """The auxiliary classifier's result, where there is one."""
        return self._last("auxiliary") if self.module("auxiliary") else None

    def _last(self, name: str) -> Ref:
        module = self.module(name)
        assert module is not None, name
        return module.outputs[-1]

    def nodes(self) -> Iterator[tuple[Module, Node]]:
        """Every node under its full name, inputs too, with the module it stands in."""
        for module in self.modules:
            names = {
                port.name: str(ref)
                for port, ref in zip(module.body.ports, module.inputs, strict=True)
            }
            for node in module.body.nodes:
                full = names[node.name] = f"{module.name}.{node.name}"
                yield module, node._replace(name=full, inputs=tuple(names[i] for i in node.inputs))

    @property
    def plain(self) -> "NetworkGraph":
        """The network as it was before any pass: what is counted, named and exported."""
        return self.before or self

    def tensor(self, name: str) -> str | Derived:
        """A tensor of the network, in terms of those of `plain`."""
        return self.tensors.get(name, name)

    def with_modules(self, modules: tuple[Module, ...]) -> "NetworkGraph":
        """The same network of other modules: what a pass returns."""
        return replace(self, modules=modules)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What notebooks show: text, and the picture where Graphviz is installed."""
        return mime_bundle(self)
