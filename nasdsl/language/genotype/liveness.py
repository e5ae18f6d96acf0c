"""Liveness: what of a row of steps its results need.

Purpose: one analysis. Cells, spaces, canonical forms and network graphs all ask it what
reaches an output: `live_steps` walks backwards over steps in the order they are computed.
Non-goals: what becomes of the rest, which is a warning in a text and left out of a network.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nasdsl.language.genotype.types import Cell, CellSpace, Hidden, State, block_state

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")


def live_steps(
    results: Iterable[K],
    steps: Sequence[S],
    makes: Callable[[S], Iterable[K]],
    reads: Callable[[S, set[K]], Iterable[K]],
) -> tuple[list[bool], set[K]]:
    """Which steps the results need, and every value that is needed.

    Args:
        results: the values that are wanted.
        steps: in the order they are computed.
        makes: the values a step makes.
        reads: the values a step reads, given all that is wanted so far.
    """
    wanted = set(results)
    live = [False] * len(steps)
    for index in range(len(steps) - 1, -1, -1):
        if not wanted.isdisjoint(makes(steps[index])):
            live[index] = True
            wanted.update(reads(steps[index], wanted))
    return live, wanted


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
    """The output, the live blocks and the inputs of a cell."""
    outputs = cell.output_states
    live, wanted = live_steps(
        outputs,
        cell.blocks,
        lambda block: (block_state(block.name),),
        lambda block, _: block.inputs,
    )
    reads = sorted(state.back for state in wanted if isinstance(state, Hidden))
    return Liveness(outputs, tuple(live), tuple(reads))


def live_blocks(cell: CellSpace) -> list[bool]:
    """For each block of a space, whether it reaches the output in some member."""
    if cell.output.kind == "unused":
        return [True] * len(cell.blocks)
    live, _ = live_steps(
        cell.output.states,
        cell.blocks,
        lambda block: (block_state(block.name),),
        lambda block, _: {state for states in block.inputs for state in states},
    )
    return live
