"""The cost of a network: parameters, mult-adds, activations, in all and by part.

Purpose: what `nasdsl cost` reports, from the NetworkGraph alone, in milliseconds.
Non-goals: what is counted of one primitive (`nasdsl.primitives`), measured time or memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from nasdsl.errors import Diagnostic
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import CellKind, Genotype
from nasdsl.network.configuration import Configuration
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import Body, ModuleRole, NetworkGraph, PartRole
from nasdsl.primitives import PRIMITIVES, Node

_FLOAT32 = 4
#: The largest images, in pixels a side, for which the `cifar` stem is usual.
_LARGE_FOR_CIFAR = 64


class NodeCounts(NamedTuple):
    """Numbers that add up.

    Attributes:
        params: trained parameters.
        statistics: batch norm's moving means and variances.
        mult_adds: multiply-accumulate operations for one image.
        activations: numbers written for one image.
    """

    params: int
    statistics: int
    mult_adds: int
    activations: int


NOTHING = NodeCounts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Something with a count, and the count's numbers by name."""

    count: NodeCounts

    @property
    def params(self) -> int:
        """Trained parameters."""
        return self.count.params

    @property
    def params_total(self) -> int:
        """Trained parameters, and batch norm's moving means and variances."""
        return self.count.params + self.count.statistics

    @property
    def mult_adds(self) -> int:
        """Multiply-accumulate operations of convolutions and linear layers, for one image."""
        return self.count.mult_adds

    @property
    def activations(self) -> int:
        """Numbers that the primitives write for one image."""
        return self.count.activations

    @property
    def activation_bytes(self) -> int:
        """The activations' size in float32, in bytes."""
        return _FLOAT32 * self.count.activations


@dataclass(frozen=True, slots=True)
class PartCost(_Counted):
    """The cost of one op, combine, input or output match of a module; see `Part`."""

    path: str
    role: PartRole
    label: str
    block: str


@dataclass(frozen=True, slots=True)
class ModuleCost(_Counted):
    """The cost of one module; `parts` are shared by modules that compute the same."""

    name: str
    role: ModuleRole
    kind: CellKind | None
    for_auxiliary: bool
    parts: tuple[PartCost, ...]


@dataclass(frozen=True, slots=True)
class OpCost(_Counted):
    """The cost of all uses of one op in the network, and how many there are."""

    op: str
    uses: int


@dataclass(frozen=True, slots=True)
class Cost(_Counted):
    """The cost of a network, without its auxiliary classifier.

    Attributes:
        count: the sum over the modules the network's result needs.
        auxiliary: the cost of the auxiliary classifier (and of what only it needs).
        modules: by module, in order, the auxiliary classifier included.
    """

    auxiliary: NodeCounts
    modules: tuple[ModuleCost, ...]

    def __str__(self) -> str:
        """The tables of `nasdsl cost`, in 80 columns."""
        # Imported here because who counts needs no tables.
        from nasdsl.network.cost_table import cost_text

        return cost_text(self)

    def _repr_html_(self) -> str:
        """The tables, for notebooks."""
        from nasdsl.network.cost_table import cost_html

        return cost_html(self)

    @property
    def auxiliary_params(self) -> int:
        """Trained parameters of the auxiliary classifier; 0 where there is none."""
        return self.auxiliary.params

    @property
    def ops(self) -> tuple[OpCost, ...]:
        """By op over all cells, the costliest in parameters first, then by name."""
        found: dict[str, list[NodeCounts]] = {}
        for module in self.modules:
            for part in module.parts:
                if part.role == "op" and not module.for_auxiliary:
                    found.setdefault(part.label, []).append(part.count)
        costs = [OpCost(total(counts), op, len(counts)) for op, counts in found.items()]
        return tuple(sorted(costs, key=lambda cost: (-cost.params, cost.op)))


def genotype_cost(genotype: Genotype, settings: Settings | Configuration | None = None) -> Cost:
    """What the network of a genotype and its settings costs.

    Args:
        genotype: the cells, and settings of their own.
        settings: settings that win over the genotype's, or a whole configuration.

    Raises:
        CellError: the network cannot be built; see `network_graph`.
    """
    return graph_cost(network_graph(genotype, settings))


def graph_cost(graph: NetworkGraph) -> Cost:
    """What a network costs."""
    known: dict[int, tuple[NodeCounts, tuple[PartCost, ...]]] = {}
    modules = []
    for module in graph.modules:
        key = id(module.body)
        if key not in known:
            parts = _part_costs(module.body)
            known[key] = total(part.count for part in parts), parts
        count, parts = known[key]
        modules.append(
            ModuleCost(count, module.name, module.role, module.kind, module.for_auxiliary, parts)
        )
    main = total(module.count for module in modules if not module.for_auxiliary)
    extra = total(module.count for module in modules if module.for_auxiliary)
    return Cost(main, extra, tuple(modules))


def size_findings(graph: NetworkGraph) -> tuple[Diagnostic, ...]:
    """What is out of proportion: NAS508, the auxiliary classifier is larger than all the rest."""
    if not graph.configuration.auxiliary:
        return ()
    counted, network = graph_cost(graph), graph.configuration
    if counted.auxiliary_params <= counted.params:
        return ()
    message = (
        f"the auxiliary classifier has {counted.auxiliary_params:,} parameters, more than the "
        f"{counted.params:,} of the network itself"
    )
    hints = ["`--no-auxiliary` leaves it out"]
    if network.stem == "cifar" and network.image_size > _LARGE_FOR_CIFAR:
        hints.append("`--stem imagenet` makes the map that it reads smaller")
    return (Diagnostic("NAS508", message, hints=tuple(hints)),)


def node_count(node: Node) -> NodeCounts:
    """What a node costs. Its parameters are those it owns."""
    row = PRIMITIVES[node.primitive]
    numbers = {"parameter": 0, "statistic": 0, "counter": 0}
    for tensor in row.tensors(node):
        numbers[tensor.role] += prod(tensor.sizes)
    written = node.shape.elements if row.writes else 0
    return NodeCounts(numbers["parameter"], numbers["statistic"], row.mult_adds(node), written)


def total(counts: Iterable[NodeCounts]) -> NodeCounts:
    """The sum of counts, number by number."""
    columns = zip(*counts, strict=True)
    sums = [sum(column) for column in columns]
    return NodeCounts(*sums) if sums else NOTHING


def _part_costs(body: Body) -> tuple[PartCost, ...]:
    return tuple(
        PartCost(total(map(node_count, part.nodes)), part.path, part.role, part.label, part.block)
        for part in body.parts
    )
