"""What of a cell is needed: its output worked out, the blocks that reach it, what it reads.

Purpose: one account of liveness for drawing (`cell_graph`) and for networks.
Non-goals: warnings about dead blocks (`nasdsl.language.validator`), which look at spaces.
"""

from dataclasses import dataclass

from nasdsl.language.genotype.types import Cell, Hidden, State, block_state


@dataclass(frozen=True, slots=True)
class Liveness:
    """What of a cell is needed.

    Attributes:
        outputs: the states the cell passes on, in order, with `unused` worked out.
        live: for each block of the cell, whether it reaches the output.
        reads: the numbers k of the hidden states h[i-k] that the output or a live block
            reads, rising.
    """

    outputs: tuple[State, ...]
    live: tuple[bool, ...]
    reads: tuple[int, ...]


def liveness(cell: Cell) -> Liveness:
    """The output, the live blocks and the inputs of a cell, in one walk backwards."""
    outputs = cell.output_states
    wanted: set[State] = set(outputs)
    live = [False] * len(cell.blocks)
    for index in range(len(cell.blocks) - 1, -1, -1):
        block = cell.blocks[index]
        if block_state(block.name) in wanted:
            live[index] = True
            wanted.update(block.inputs)
    reads = sorted(state.back for state in wanted if isinstance(state, Hidden))
    return Liveness(outputs, tuple(live), tuple(reads))
