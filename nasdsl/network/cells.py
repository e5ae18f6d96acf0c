"""Cells: a cell of the genotype at concrete shapes becomes a `Body`.

Purpose: the rules that all skeletons share, each with its source; what differs is in
`CellRules`.
Non-goals: what the cell is given and where it stands (`nasdsl.network.stack`).

Rules of TensorFlow slim's `nets/nasnet/nasnet_utils.py`, which hold for every skeleton:

- only ops that read a cell input take the cell's stride (`_apply_conv_operation`);
- an op takes the first of its forms that fits the stride and gives the cell's filters
  (`Op.form`): in the vocabularies this states slim's 1x1 convolutions where channels differ;
- a state of the output that has not the filters or the size of the others is brought there
  by a factorized reduction without ReLU, or a plain 1x1 convolution where only the filters
  differ, then batch norm (`_combine_unused_states`). slim takes both from the cell's last
  block; here the filters are the cell's, and what a `concat` combine made keeps its width,
  which slim does not have. `output each` follows the same rule;
- blocks that reach no output are not built. The two inputs that the released codes give a cell
  are prepared whether or not anything reads them (`CellRules.always_prepared`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.liveness import Liveness, liveness
from nasdsl.language.genotype.types import Block, Cell, Hidden, State, block_state
from nasdsl.language.genotype.vocabulary import Form, Op, Vocabulary
from nasdsl.network import layers
from nasdsl.network.graph import Body, Node, Part, PartRole, Port, Shape
from nasdsl.network.layers import Chain
from nasdsl.network.widths import TOO_WIDE


class Given(NamedTuple):
    """A hidden state as it reaches a cell; `missing` where an older one has to stand in."""

    shape: Shape
    missing: bool


@dataclass(frozen=True, slots=True)
class CellRules:
    """What skeletons do differently inside a cell.

    Attributes:
        prepared: from k of h[i-k], that state, the newest state's shape and the cell's
            filters to the chain that prepares it.
        drops: whether ScheduledDropPath applies to an op in one of its forms.
        always_prepared: how many of the newest states are prepared though nothing reads them:
            built, counted and stored.
    """

    prepared: Callable[[int, Given, Shape, int], Chain]
    drops: Callable[[Op, Form], bool]
    always_prepared: int = 0


class BodyState(NamedTuple):
    """A state inside a body: the name that holds it, and its shape."""

    name: str
    shape: Shape


@dataclass(slots=True)
class CellExpansion:
    """Makes the bodies of one cell; bodies and chains that it has made are used again.

    Attributes:
        cell: the cell.
        vocabulary: what its ops and combines mean.
        rules: what the skeleton does differently.
        drop_path: whether paths are ever dropped; without, there are no drop_path nodes.
        ops: parts that cells with the same vocabulary, rules and drops have made of ops, with what
            those give; what is made is added. There are as many as a space has options.
    """

    cell: Cell
    vocabulary: Vocabulary
    rules: CellRules
    drop_path: bool
    ops: dict[tuple[object, ...], tuple[Part, BodyState]] = field(default_factory=dict)
    needed: Liveness = field(init=False)
    _chains: dict[tuple[str, int, Shape, int], Chain] = field(init=False, default_factory=dict)
    _bodies: dict[tuple[object, ...], Body] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.needed = liveness(self.cell)

    @property
    def reach(self) -> int:
        """How many of the newest states the body may be given, at least h[i]."""
        return max((*self.needed.reads, self.rules.always_prepared - 1, 0)) + 1

    def body(self, given: Sequence[Given], stride: int, filters: int) -> Body:
        """The cell as a body with a port for each hidden state it reads.

        Args:
            given: h[i], h[i-1], ..., `reach` of them.
            stride: 2 where the cell reduces.
            filters: the cell's filters F.

        Raises:
            CellError: NAS308 where a combine cannot match shapes, NAS309 where an op cannot
                reduce.
        """
        key = tuple(given), stride, filters
        if key not in self._bodies:
            self._bodies[key] = self._body(given, stride, filters)
        return self._bodies[key]

    def _body(self, given: Sequence[Given], stride: int, filters: int) -> Body:
        parts: list[Part] = []
        values: dict[State, BodyState] = {}
        ports: list[Port] = []
        for back in sorted({*self.needed.reads, *range(self.rules.always_prepared)}):
            port = Port(f"h{back}", given[back].shape)
            chain = self.rules.prepared(back, given[back], given[0].shape, filters)
            nodes = chained(f"input{back}", port.name, chain)
            if nodes:
                kept = back < self.rules.always_prepared
                label = str(Hidden(back))
                parts.append(Part(f"input{back}", "input", label, "", nodes, kept))
            if nodes or back in self.needed.reads:
                ports.append(port)
            values[Hidden(back)] = _result(nodes, BodyState(*port))
        wide: set[State] = set()
        channels, height, width = given[0].shape
        last = Shape(channels, -(-height // stride), -(-width // stride))
        for index, block in enumerate(self.cell.blocks):
            if not self.needed.live[index]:
                continue
            made = self._block(f"b{index}", block, values, stride, filters, parts)
            state = _state_of(block)
            values[state] = made
            last = made.shape
            if self.vocabulary.combine[block.combine].operation == "concat":
                wide.add(state)
        outputs = self._outputs(values, wide, last, filters, parts)
        return Body(tuple(ports), tuple(parts), outputs)

    # -- blocks ------------------------------------------------------------------------

    def _block(
        self,
        path: str,
        block: Block,
        values: dict[State, BodyState],
        stride: int,
        filters: int,
        parts: list[Part],
    ) -> BodyState:
        operands = []
        for side, word in enumerate(("left", "right")):
            state, name = block.inputs[side], block.ops[side]
            part, value = self._op(
                f"{path}.{word}",
                block,
                name,
                values[state],
                stride if isinstance(state, Hidden) else 1,
                filters,
            )
            parts.append(part)
            operands.append(value)
        part = self.combined(f"{path}.combine", block, operands[0], operands[1], filters)
        parts.append(part)
        return _result(part.nodes, operands[0])

    def _op(
        self, path: str, block: Block, name: str, source: BodyState, stride: int, filters: int
    ) -> tuple[Part, BodyState]:
        key = path, block.name, name, source, stride, filters
        made = self.ops.get(key)
        if made is None:
            made = self.ops[key] = self._made_op(path, block, name, source, stride, filters)
        return made

    def _made_op(
        self, path: str, block: Block, name: str, source: BodyState, stride: int, filters: int
    ) -> tuple[Part, BodyState]:
        key = name, stride, source.shape, filters
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = self.op_chain(block, *key)
        nodes = chained(path, source.name, chain)
        part = Part(path, "op", name, block.name, nodes)
        return part, _result(nodes, source)

    def op_chain(self, block: Block, name: str, stride: int, shape: Shape, filters: int) -> Chain:
        """The layers of an op that reads a state of that shape.

        Raises:
            CellError: NAS309, it cannot reduce.
        """
        op = self.vocabulary.op[name]
        form = op.form(stride, shape.channels, filters)
        if form is None:
            raise cell_error(
                "NAS309",
                f"op `{name}` of block `{block.name}` cannot reduce, and it reads an input of "
                f"the {self.cell.kind} cell where that cell reduces",
                f"give `{name}` a form with a layer that takes the `stride`",
            )
        chain = layers.lowered(form.layers, shape, stride, filters)
        if chain and self.drop_path and self.rules.drops(op, form):
            chain += (layers.pointwise("drop_path", chain[-1].shape),)
        return chain

    def combined(
        self, path: str, block: Block, left: BodyState, right: BodyState, filters: int
    ) -> Part:
        """The nodes of a combine of two values, under `path`.

        Raises:
            CellError: NAS308, their shapes do not match.
        """
        combine = self.vocabulary.combine[block.combine]
        joins = combine.operation
        same = left.shape == right.shape if joins == "sum" else left.shape[1:] == right.shape[1:]
        if not same:
            raise self._mismatch(block, left.shape, right.shape)
        channels = left.shape.channels + (right.shape.channels if joins == "concat" else 0)
        if channels > TOO_WIDE:
            raise cell_error(
                "NAS308",
                f"block `{block.name}` of the {self.cell.kind} cell would have more than "
                f"{TOO_WIDE:,} channels",
                "an op that brings its input to the cell's filters ends the doubling",
            )
        shape = Shape(channels, left.shape.height, left.shape.width)
        joined = Node(f"{path}.0", joins, (left.name, right.name), left.shape, shape)
        rest = layers.lowered(combine.layers, shape, 1, filters)
        nodes = (joined, *chained(path, joined.name, rest, first=1))
        return Part(path, "combine", block.combine, block.name, nodes)

    def _mismatch(self, block: Block, left: Shape, right: Shape) -> CellError:
        ops = [f"`{op}` gives {shape}" for op, shape in zip(block.ops, (left, right), strict=True)]
        return cell_error(
            "NAS308",
            f"`{block.combine}` in block `{block.name}` of the {self.cell.kind} cell cannot "
            f"match {left} with {right}",
            " and ".join(ops),
            "an op needs a form that gives the cell's filters at the cell's size",
        )

    # -- output ------------------------------------------------------------------------

    def _outputs(
        self,
        values: dict[State, BodyState],
        wide: set[State],
        last: Shape,
        filters: int,
        parts: list[Part],
    ) -> tuple[str, ...]:
        names = {_state_of(block): f"b{i}" for i, block in enumerate(self.cell.blocks)}
        made: list[BodyState] = []
        for state in self.needed.outputs:
            value = values[state]
            channels = value.shape.channels if state in wide else filters
            chain = self.matching(state, value.shape, last, channels)
            if not chain and isinstance(state, Hidden) and value.name == f"h{state.back}":
                # Outputs are nodes, so a state that only passes through gets one.
                chain = (layers.pointwise("identity", value.shape),)
            path = f"output.{f'h{state.back}' if isinstance(state, Hidden) else names[state]}"
            nodes = chained(path, value.name, chain)
            if nodes:
                parts.append(Part(path, "output", str(state), "", nodes))
            made.append(_result(nodes, value))
        if self.cell.output.kind == "each" or len(made) == 1:
            return tuple(value.name for value in made)
        joined = concatenated("output.concat", made)
        parts.append(Part("output", "output", "concat", "", (joined,)))
        return (joined.name,)

    def matching(self, state: State, shape: Shape, last: Shape, channels: int) -> Chain:
        """What brings a state of the output to so many channels and the size of `last`.

        Raises:
            CellError: NAS308, halving does not lead to that size.
        """
        if shape[1:] == last[1:]:
            matches = shape.channels == channels
            return () if matches else layers.convolution_norm(shape, channels)
        chain: Chain = ()
        while shape.height > last.height and shape.width > last.width:
            chain += layers.halved_norm(shape, channels)
            shape = chain[-1].shape
        if shape[1:] != last[1:]:
            raise cell_error(
                "NAS308",
                f"the output of the {self.cell.kind} cell cannot match `{state}`, {shape}, "
                f"with the cell's last block, {last}",
            )
        return chain


# -- parts ------------------------------------------------------------------------------


def chained(path: str, source: str, chain: Chain, first: int = 0) -> tuple[Node, ...]:
    """The chain with names under `path`, reading `source`."""
    nodes = []
    for index, node in enumerate(chain, first):
        step = "drop_path" if node[1] == "drop_path" else index
        name = f"{path}.{step}"
        # Rebuilding from the tuple takes a third of the time of `_replace`.
        nodes.append(Node(name, node[1], (source,), *node[3:]))
        source = name
    return tuple(nodes)


def concatenated(name: str, states: Sequence[BodyState]) -> Node:
    """One node that concatenates states of one size over their channels."""
    channels = sum(value.shape.channels for value in states)
    first = states[0].shape
    shape = Shape(channels, first.height, first.width)
    return Node(name, "concat", tuple(value.name for value in states), first, shape)


def plain_part(path: str, role: PartRole, label: str, nodes: Sequence[Node]) -> Part:
    """A part outside blocks."""
    return Part(path, role, label, "", tuple(nodes))


def _result(nodes: Sequence[Node], otherwise: BodyState) -> BodyState:
    return BodyState(nodes[-1].name, nodes[-1].shape) if nodes else otherwise


def _state_of(block: Block) -> State:
    return block_state(block.name)
