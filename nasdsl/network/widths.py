"""Channels: from the filters of the penultimate layer to a cell's own filters, and back.

Purpose: the paper writes a network as `N @ filters`, the channels of its penultimate layer.
How many that is for a first cell of F filters follows from the last cell's output: every state it
passes on has the cell's filters, except what a `concat` combine made, which is wider. NASNet-A
passes on six states and its last cell has 4F filters: 24F.
Non-goals: the channels elsewhere; `nasdsl.network.cells` works those out layer by layer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nasdsl.language.genotype.liveness import liveness
from nasdsl.language.genotype.types import Cell, State, block_state
from nasdsl.language.genotype.vocabulary import Op, Vocabulary

#: Ops that keep their channels and combines that concatenate can double the width at every
#: block; nothing of this width is ever built.
TOO_WIDE = 10**9


@dataclass(frozen=True, slots=True)
class Widths:
    """How the penultimate layer's channels follow from F, the filters of the first cell.

    Attributes:
        cell: the last cell.
        vocabulary: what its ops and combines mean.
        filters: from F to the last cell's filters.
    """

    cell: Cell
    vocabulary: Vocabulary
    filters: Callable[[int], int]

    def penultimate(self, cell_filters: int) -> int:
        """The channels of the penultimate layer where the first cell has `cell_filters`."""
        filters = self.filters(cell_filters)
        needed = liveness(self.cell)
        widths: dict[State, int] = {}
        wide: dict[State, int] = {}
        for block, live in zip(self.cell.blocks, needed.live, strict=True):
            if not live:
                continue
            combine = self.vocabulary.combine[block.combine]
            left, right = (
                _op_width(self.vocabulary.op[name], widths.get(state, filters), filters)
                for name, state in zip(block.ops, block.inputs, strict=True)
            )
            made = min(left + right, TOO_WIDE) if combine.operation == "concat" else left
            state = block_state(block.name)
            widths[state] = made if combine.divisor is None else filters // combine.divisor
            if combine.operation == "concat":
                wide[state] = widths[state]
        return sum(wide.get(state, filters) for state in needed.outputs)

    def cell_filters(self, penultimate: int) -> int | None:
        """The F that gives this penultimate layer, or None where none does."""
        below = self.at_most(penultimate)
        return below if below and self.penultimate(below) == penultimate else None

    def at_most(self, penultimate: int) -> int:
        """The largest F whose penultimate layer is no wider than that; 0 where none is."""
        guess = penultimate // max(self.penultimate(1), 1)
        if self.penultimate(guess) <= penultimate < self.penultimate(guess + 1):
            return guess
        # Bottlenecks of filters/k round down, so the layer may grow unevenly.
        low, high = 0, 1
        while self.penultimate(high) <= penultimate:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.penultimate(middle) <= penultimate else (low, middle)
        return low


def narrowest(cell: Cell, vocabulary: Vocabulary) -> int:
    """The fewest filters a cell may have: one channel for every layer of its ops."""
    live = zip(cell.blocks, liveness(cell).live, strict=True)
    blocks = [block for block, is_live in live if is_live]
    ops = {name for block in blocks for name in block.ops}
    chains = [form.layers for name in ops for form in vocabulary.op[name].forms]
    chains += [vocabulary.combine[block.combine].layers for block in blocks]
    return max((layer.divisor for chain in chains for layer in chain), default=1)


def _op_width(op: Op, channels: int, filters: int) -> int:
    form = op.form(1, channels, filters)
    assert form is not None, "stride 1 asks nothing of an op"
    return channels if form.divisor is None else filters // form.divisor
