"""Cells of a space: every chain of layers that some member's cell has.

Purpose: what `nasdsl.network.cells` does for one cell, for all of a space at once. A state has a
set of possible shapes in place of one; every option of every op is lowered for each of them.
Non-goals: what is stacked (`nasdsl.oneshot.graph`), what a member uses (`nasdsl.oneshot.sharing`).

Names of chains say what has been chosen: `b2.left.h1-sep_conv_3x3` is the left op of the third
block where that is `sep_conv_3x3` and reads h[i-1], as ENAS indexes its weights. In merged edges,
as in DARTS, there is no operand: `b2.edge.h1-sep_conv_3x3`. Chains of one name that differ, because
the number of channels depends on other choices, are numbered: `...-1`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.liveness import live_blocks
from nasdsl.language.genotype.types import (
    UNUSED,
    Block,
    BlockSpace,
    Cell,
    CellSpace,
    Hidden,
    State,
    block_state,
)
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network.cells import BodyState, CellExpansion, CellRules, Given
from nasdsl.network.layers import Chain
from nasdsl.oneshot.signature import Signature, signature, with_channels
from nasdsl.primitives import Shape

Shapes = frozenset[Shape]
SIDES = ("left", "right")


class GivenStates(NamedTuple):
    """A hidden state as it may reach a cell.

    Attributes:
        shapes: those it may have.
        channels: how many channels all members together may pass on in it.
        missing: where an older one has to stand in.
    """

    shapes: Shapes
    channels: int
    missing: bool


@dataclass(slots=True)
class Chains:
    """The chains of one module, by name.

    Attributes:
        nodes: the layers of each, as wide as any member needs them.
        names: from a prefix and the layers to the name.
    """

    nodes: dict[str, Chain] = field(default_factory=dict)
    names: dict[tuple[str, Signature], str] = field(default_factory=dict)

    def add(self, prefix: str, chain: Chain, channels: int | None = None) -> None:
        """Remember a chain; `channels` is how many may come in, where that is open."""
        key = prefix, signature(chain, open_channels=channels is not None)
        if not chain or key in self.names:
            return
        number = sum(known == prefix for known, _ in self.names)
        name = self.names[key] = f"{prefix}-{number}" if number else prefix
        self.nodes[name] = key[1] if channels is None else with_channels(key[1], channels)

    def name(self, prefix: str, chain: Chain, *, open_channels: bool) -> str:
        """What a member's chain is called."""
        return self.names[prefix, signature(chain, open_channels=open_channels)]


class OutputStates(NamedTuple):
    """One output of a cell: of which states it may consist, each with its possible widths.

    Attributes:
        widths: by the states' keys, in the order in which they are concatenated.
        optional: whether a member may leave states out.
        size: height and width.
    """

    widths: dict[str, frozenset[int]]
    optional: bool
    size: tuple[int, int]

    @property
    def channels(self) -> int:
        """Of all states at their widest."""
        return sum(map(max, self.widths.values()))

    @property
    def shapes(self) -> Shapes:
        """The shapes that it may have."""
        sums = {0}
        for widths in self.widths.values():
            more = {sum_ + width for sum_ in sums for width in widths}
            sums = sums | more if self.optional else more
        return frozenset(Shape(channels, *self.size) for channels in sums if channels)

    def places(self) -> dict[str, int]:
        """The first channel of each state."""
        found, at = {}, 0
        for key, widths in self.widths.items():
            found[key] = at
            at += max(widths)
        return found


def merged(block: BlockSpace) -> bool:
    """Whether the two operands of a block are edges alike: both have the same open choices."""
    (left, right), (left_op, right_op) = block.inputs, block.ops
    return len(left) > 1 and left == right and left_op == right_op


def state_key(state: State, cell: CellSpace) -> str:
    """The name of a state that does not depend on what blocks are called: `h1`, `b2`."""
    if isinstance(state, Hidden):
        return f"h{state.back}"
    return f"b{next(i for i, b in enumerate(cell.blocks) if block_state(b.name) == state)}"


def reach(cell: CellSpace, rules: CellRules) -> int:
    """How many of the newest hidden states some member's cell may be given."""
    backs = [
        state.back
        for states in (*(s for b in cell.blocks for s in b.inputs), cell.output.states)
        for state in states
        if isinstance(state, Hidden)
    ]
    return max((*backs, rules.always_prepared - 1, 0)) + 1


@dataclass(slots=True)
class CellChains:
    """Makes the chains of a space's cell at one place of the network.

    `read` has, by block, the shapes that the options of one of its operands give; of the two, the
    operand that has more. Where an operand has several options, its ops are those of a k-th of the
    channels, and the other channels go past them (Xu et al. 2020, PC-DARTS).
    """

    cell: CellSpace
    vocabulary: Vocabulary
    rules: CellRules
    drop_path: bool
    merge_edges: bool
    stride: int
    filters: int
    k: int = 1
    chains: Chains = field(default_factory=Chains)
    read: dict[int, Shapes] = field(default_factory=dict)
    _lowering: CellExpansion = field(init=False)

    def __post_init__(self) -> None:
        # Chains of ops and combines are lowered by the same code as a member's.
        nothing = Cell(self.cell.kind, (), UNUSED)
        self._lowering = CellExpansion(nothing, self.vocabulary, self.rules, self.drop_path)

    def outputs(self, given: Sequence[GivenStates]) -> tuple[OutputStates, ...]:
        """What the cell passes on; all chains on the way are in `chains` afterwards.

        Args:
            given: h[i], h[i-1], ..., `reach` of them.

        Raises:
            CellError: NAS308 or NAS309, no member can be built.
        """
        shapes: dict[State, Shapes] = {}
        for back, states in enumerate(given):
            shapes[Hidden(back)] = self._prepared(back, states, given[0].shapes)
        newest = next(iter(given[0].shapes))
        size = -(-newest.height // self.stride), -(-newest.width // self.stride)
        wide: set[State] = set()
        live = live_blocks(self.cell)
        for index, block in enumerate(self.cell.blocks):
            if not live[index]:
                continue
            state = block_state(block.name)
            shapes[state] = self._block(index, block, shapes)
            size = next(iter(shapes[state]))[1:]
            if any(self.vocabulary.combine[c].operation == "concat" for c in block.combines):
                wide.add(state)
        return self._outputs(shapes, wide, size)

    def _prepared(self, back: int, states: GivenStates, newest: Shapes) -> Shapes:
        made = set()
        for shape in sorted(states.shapes):
            for new in sorted(newest):
                given = Given(shape, states.missing)
                chain = self.rules.prepared(back, given, new, self.filters)
                self.chains.add(f"input{back}", chain, states.channels)
                made.add(chain[-1].shape if chain else shape)
        return frozenset(made)

    def _block(self, index: int, block: BlockSpace, shapes: dict[State, Shapes]) -> Shapes:
        operands = [self._operand(index, block, side, shapes) for side in (0, 1)]
        self.read[index] = max(operands, key=len)
        made: set[Shape] = set()
        mistake: CellError | None = None
        for combine in block.combines:
            name = f"b{index}.combine-{combine}"
            example = Block(block.name, _first(block.inputs), _first(block.ops), combine)
            for left in sorted(operands[0]):
                for right in sorted(operands[1]):
                    values = BodyState("left", left), BodyState("right", right)
                    try:
                        part = self._lowering.combined(name, example, *values, self.filters)
                    except CellError as error:
                        # Not every pair of shapes is a member's.
                        mistake = error
                        continue
                    self.chains.add(name, part.nodes)
                    made.add(part.nodes[-1].shape)
        if not made:
            assert mistake is not None
            raise mistake
        return frozenset(made)

    def _operand(
        self, index: int, block: BlockSpace, side: int, shapes: dict[State, Shapes]
    ) -> Shapes:
        made = set()
        word = "edge" if self.merge_edges and merged(block) else SIDES[side]
        k = self.k if len(block.inputs[side]) * len(block.ops[side]) > 1 else 1
        for state in block.inputs[side]:
            stride = self.stride if isinstance(state, Hidden) else 1
            for op in block.ops[side]:
                prefix = f"b{index}.{word}.{state_key(state, self.cell)}-{op}"
                example = Block(block.name, (state, state), (op, op), block.combines[0])
                for whole in sorted(shapes[state]):
                    shape, filters = self._part(whole, k)
                    chain = self._lowering.op_chain(example, op, stride, shape, filters)
                    self.chains.add(prefix, chain)
                    after = chain[-1].shape if chain else shape
                    past = whole.channels - shape.channels
                    made.add(after._replace(channels=after.channels + past))
        return frozenset(made)

    def _part(self, shape: Shape, k: int) -> tuple[Shape, int]:
        """What ops see of a state, and their filters."""
        if shape.channels % k or self.filters % k:
            hint = f"`cell_filters` is a multiple of {k}, or `k` another number"
            if self.filters % k == 0:
                # A skeleton's stem may give what no width of the cells is a multiple of.
                hint = (
                    f"the cell has {self.filters} filters; the skeletons `darts` and `nasbench201` "
                    "bring what it reads to that width"
                )
            raise cell_error(
                "NAS891",
                f"k = {k} does not divide the {shape.channels} channels of a state in the "
                f"{self.cell.kind} cell",
                hint,
            )
        return shape._replace(channels=shape.channels // k), self.filters // k

    def _outputs(
        self, shapes: dict[State, Shapes], wide: set[State], size: tuple[int, int]
    ) -> tuple[OutputStates, ...]:
        optional = self.cell.output.kind == "unused"
        states: Iterable[State] = self.cell.output.states
        if optional:
            states = (block_state(block.name) for block in self.cell.blocks)
        last = Shape(self.filters, *size)
        found: dict[str, frozenset[int]] = {}
        for state in states:
            key = state_key(state, self.cell)
            widths = set()
            for shape in sorted(shapes[state]):
                # A member's `concat` keeps its width, and its `add` has the cell's filters.
                for channels in {self.filters, shape.channels if state in wide else self.filters}:
                    chain = self._lowering.matching(state, shape, last, channels)
                    self.chains.add(f"output.{key}", chain)
                    widths.add(chain[-1].shape.channels if chain else shape.channels)
            found[key] = frozenset(widths)
        if self.cell.output.kind == "each":
            return tuple(OutputStates({key: w}, False, size) for key, w in found.items())
        return (OutputStates(found, optional, size),)


def _first(pairs: tuple[tuple[object, ...], tuple[object, ...]]) -> tuple:  # type: ignore[type-arg]
    return pairs[0][0], pairs[1][0]
