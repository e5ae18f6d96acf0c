"""`SuperGraph`: a space on a skeleton, every layer of every member.

Purpose: what a backend builds a super-network from. The skeleton stacks the cells of the space by
its own rules; only their insides are those of `nasdsl.oneshot.cells`.
Non-goals: which of the layers a member has (`nasdsl.oneshot.sharing`), weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from nasdsl.language.genotype.types import Block, BlockSpace, Cell, CellKind, CellSpace, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network.complete import configuration_of
from nasdsl.network.configuration import Configuration
from nasdsl.network.graph import Body, Module, Node, Part, Ref
from nasdsl.network.skeleton import SKELETONS
from nasdsl.network.stack import HiddenState, PlannedCell, Stack
from nasdsl.oneshot.cells import CellChains, Chains, GivenStates, OutputStates, Shapes, reach
from nasdsl.primitives import PRIMITIVES, Shape
from nasdsl.space import genotype_at

_NO_BODY = Body((), (), ())


@dataclass(frozen=True, slots=True)
class SuperCell:
    """A cell of the space at its place in the network.

    Attributes:
        name: of the module.
        kind: which of the space's cells.
        space: that cell.
        stride: 2 where it reduces.
        filters: its filters.
        chains: of all members.
        inputs: h[i], h[i-1], ... as far as some member reads them.
        outputs: what it passes on.
        shapes: by block, those that the options of one of its operands give.
        vocabulary: what its ops and combines mean.
        own: whether the skeleton brings it, so that there is nothing to choose.
        k: ops that are mixed see a k-th of the channels; see `nasdsl.oneshot.cells`.
        parts: of members' blocks, what `nasdsl.oneshot.sharing` has found out about them.
    """

    name: str
    kind: CellKind
    space: CellSpace
    stride: int
    filters: int
    chains: Chains
    inputs: tuple[Ref, ...]
    outputs: tuple[OutputStates, ...]
    shapes: dict[int, Shapes]
    vocabulary: Vocabulary
    own: bool
    k: int = 1
    parts: dict[Part, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SuperGraph:
    """A space on a skeleton.

    Attributes:
        space: with the settings of the network.
        configuration: every choice around the cells. Its `filters` are those of the first
            member, because the width of the penultimate layer differs between members.
        modules: stems, cells and heads in order.
        merge_edges: whether the operands of a block that have the same open choices share their
            weights, as the edges of DARTS do; otherwise each has weights of its own, as in ENAS.
    """

    space: Space
    configuration: Configuration
    modules: tuple[Module | SuperCell, ...]
    merge_edges: bool

    @property
    def cells(self) -> dict[str, SuperCell]:
        """The cells by the names of their modules."""
        return {module.name: module for module in self.modules if isinstance(module, SuperCell)}

    @property
    def numbers(self) -> int:
        """How many numbers its tensors have: parameters and moving statistics."""
        return sum(
            prod(tensor.sizes)
            for node in self.layers().values()
            for tensor in PRIMITIVES[node.primitive].tensors(node)
        )

    def layers(self) -> dict[str, Node]:
        """Every layer that owns tensors or behaves differently in training, by its name."""
        found: dict[str, Node] = {}
        for module in self.modules:
            if isinstance(module, Module):
                nodes = {node.name: node for node in module.body.nodes}
            else:
                nodes = {
                    f"{name}.{index}": node
                    for name, chain in module.chains.nodes.items()
                    for index, node in enumerate(chain)
                }
            for name, node in nodes.items():
                if PRIMITIVES[node.primitive].tensors(node) or node.primitive == "dropout":
                    found[f"{module.name}.{name}"] = node
        return found


def super_graph(space: Space, merge_edges: bool, k: int = 1) -> SuperGraph:
    """A space on its skeleton.

    Args:
        space: with settings that fix the width of the first cell, not of the last.
        merge_edges: see `SuperGraph`.
        k: ops that are mixed see a k-th of the channels (Xu et al. 2020, PC-DARTS).

    Raises:
        CellError: what `network_graph` raises for the members of the space; NAS891, `k` does not
            divide the channels.
    """
    first = genotype_at(space, 0)
    configuration = configuration_of(first)
    skeleton = SKELETONS.find(configuration.name)
    stack = _SuperStack(
        first,
        configuration,
        skeleton.rules,
        skeleton.planned_for(configuration),
        skeleton.depth,
        skeleton.stems[configuration.stem].auxiliary,
        skeleton.own,
        space=space,
        merge_edges=merge_edges,
        k=k,
    )
    skeleton.stack(stack)
    modules = {module.name: module for module in stack.modules}
    order = tuple(stack.cells_made.get(name) or module for name, module in modules.items())
    return SuperGraph(space, configuration, order, merge_edges)


@dataclass(slots=True)
class _SuperStack(Stack):
    """A network under construction whose cells are those of a space.

    A hidden state has as many channels as all members together may pass on in it, so what reads it
    is as wide as it has to be.
    """

    space: Space = field(kw_only=True)
    merge_edges: bool = field(kw_only=True)
    k: int = field(kw_only=True)
    cells_made: dict[str, SuperCell] = field(default_factory=dict)
    _passed_on: dict[Ref, OutputStates] = field(default_factory=dict)

    def _cell(
        self, planned: PlannedCell, depth: float, hidden: Sequence[HiddenState]
    ) -> list[HiddenState]:
        own = self.own.cell(planned.kind) if self.own is not None else None
        if own is not None:
            assert self.own is not None
            cell, vocabulary = _pinned(own), self.own.vocabulary
        else:
            cell = next(cell for cell in self.space.cells if cell.kind == planned.kind)
            vocabulary = self.space.vocabulary
        rules = self.rules
        states = [
            (hidden[-1 - back] if back < len(hidden) else hidden[-1], back >= len(hidden))
            for back in range(reach(cell, rules))
        ]
        filters = planned.filters(self.configuration.cell_filters)
        drops = self.configuration.drop_path > 0
        k = 1 if own is not None else self.k
        chains = CellChains(
            cell, vocabulary, rules, drops, self.merge_edges, planned.stride, filters, k
        )
        outputs = chains.outputs([self._given(*state) for state in states])
        self.cells_made[planned.name] = SuperCell(
            planned.name,
            planned.kind,
            cell,
            planned.stride,
            filters,
            chains.chains,
            tuple(state.ref for state, _ in states),
            outputs,
            chains.read,
            vocabulary,
            own is not None,
            k,
        )
        # It holds the place of the cell among the modules.
        self.modules.append(Module(planned.name, "cell", _NO_BODY, ()))
        made = []
        for number, output in enumerate(outputs):
            ref = Ref(planned.name, str(number))
            self._passed_on[ref] = output
            made.append(HiddenState(ref, Shape(output.channels, *output.size)))
        self.hidden += made
        return made

    def _given(self, state: HiddenState, missing: bool) -> GivenStates:
        output = self._passed_on.get(state.ref)
        shapes = frozenset({state.shape}) if output is None else output.shapes
        return GivenStates(shapes, state.shape.channels, missing)


def _pinned(cell: Cell) -> CellSpace:
    """A cell as a space of one."""
    return CellSpace(cell.kind, tuple(_pinned_block(block) for block in cell.blocks), cell.output)


def _pinned_block(block: Block) -> BlockSpace:
    (left, right), (left_op, right_op) = block.inputs, block.ops
    return BlockSpace(block.name, ((left,), (right,)), ((left_op,), (right_op,)), (block.combine,))
