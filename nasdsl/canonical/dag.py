"""A cell as a labelled graph: what the canonical form is the canonical form of.

Purpose: numbers in place of names, definitions in place of ops, dead blocks gone.
"""

from dataclasses import dataclass

from nasdsl.language.genotype.liveness import liveness
from nasdsl.language.genotype.types import BlockState, Cell, Hidden, State
from nasdsl.language.genotype.vocabulary import Vocabulary

#: `h[i-k]` is the number HIDDEN + k; blocks count from 0. So hidden states sort first, the
#: newest at their head.
HIDDEN = -(1 << 30)

#: A state that is read, and the definition of the op it is read through.
DagOperand = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Dag:
    """The blocks of a cell that reach its output, in an order they can be computed in.

    Attributes:
        source: position of each block in the cell.
        operands: what each block reads, first slot first.
        combines: the definition of each block's combine.
        ordered: whether the order of a block's two operands matters.
        output: the states that are passed on, in the order the cell lists them.
        each: whether that order matters.
    """

    source: list[int]
    operands: list[tuple[DagOperand, DagOperand]]
    combines: list[str]
    ordered: list[bool]
    output: list[int]
    each: bool

    def __len__(self) -> int:
        return len(self.source)

    def output_places(self) -> list[tuple[int, ...]]:
        """For each block, its places in the output; all of them are 0 in a `concat`."""
        output_places: list[tuple[int, ...]] = [()] * len(self)
        for place, state in enumerate(self.output):
            if state >= 0:
                output_places[state] += (place if self.each else 0,)
        return output_places


def cell_dag(cell: Cell, vocabulary: Vocabulary) -> Dag:
    """The graph of a valid cell."""
    output = cell.output_states
    source = list(range(len(cell.blocks)))
    if cell.output.kind != "unused":  # which leaves no block out
        source = [at for at, live in enumerate(liveness(cell).live) if live]
    number: dict[State, int] = {
        BlockState(cell.blocks[at].name): new for new, at in enumerate(source)
    }
    operands: list[tuple[DagOperand, DagOperand]] = []
    combines: list[str] = []
    ordered: list[bool] = []
    op, combine = vocabulary.op, vocabulary.combine
    for at in source:
        block = cell.blocks[at]
        (left, right), (left_op, right_op) = block.inputs, block.ops
        joined = combine[block.combine]
        operands.append(
            (
                (_number(left, number), op[left_op].definition),
                (_number(right, number), op[right_op].definition),
            )
        )
        combines.append(joined.definition)
        ordered.append(not joined.commutative)
    passed_on = [_number(state, number) for state in output]
    return Dag(source, operands, combines, ordered, passed_on, cell.output.kind == "each")


def _number(state: State, number: dict[State, int]) -> int:
    return HIDDEN + state.back if isinstance(state, Hidden) else number[state]
