"""A space as one flat row of decisions, and the genotype that a row of choices means.

Purpose: the one order of decisions that counting, sampling, indices, mutation and the
hypothesis strategies share: cell by cell as the space lists them, block by block, and in
each block (input, input, op, op, combine), as a file is read.
Non-goals: which choices a genotype made (`nasdsl.space.membership`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nasdsl.language.genotype.types import Block, Cell, CellKind, Genotype, Output, Space, State

Options = tuple[State, ...] | tuple[str, ...]

#: Decisions a block.
FIELDS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """A space flattened for speed: building a genotype is one pass over its choices."""

    space: Space
    options: tuple[Options, ...]
    radices: tuple[int, ...]
    cells: tuple[tuple[CellKind, tuple[str, ...], Output], ...]

    def genotype(self, choices: Sequence[int]) -> Genotype:
        """The genotype that takes option `choices[k]` of decision k."""
        # One flat list of states and names; the five kinds of field need no telling apart.
        values: list[Any] = [
            options[choice] for options, choice in zip(self.options, choices, strict=True)
        ]
        cells = []
        at = 0
        for kind, names, output in self.cells:
            blocks = []
            for name in names:
                left, right, left_op, right_op, combine = values[at : at + FIELDS]
                blocks.append(Block(name, (left, right), (left_op, right_op), combine))
                at += FIELDS
            cells.append(Cell(kind, tuple(blocks), output))
        space = self.space
        return Genotype(space.name, space.vocabulary, tuple(cells), space.settings)


@lru_cache(maxsize=16)
def plan(space: Space) -> Plan:
    """The plan of `space`; the newest few are kept.

    Raises:
        TypeError: it is no space.
    """
    if not isinstance(space, Space):
        raise TypeError(f"a space, as `nasdsl.load_space` reads one, not {type(space).__name__}")
    options = tuple(
        options for cell in space.cells for block in cell.blocks for options in block.decisions
    )
    cells = tuple(
        (cell.kind, tuple(block.name for block in cell.blocks), cell.output) for cell in space.cells
    )
    return Plan(space, options, tuple(map(len, options)), cells)


def decisions(space: Space) -> tuple[Options, ...]:
    """The options of every decision, five a block, in the order a file is read.

    A decision with one option is pinned; it is listed all the same, so that decision
    `5 * b + f` is always field f of block b (blocks counted through all cells).
    """
    return plan(space).options


def chosen(space: Space, choices: Sequence[int]) -> Genotype:
    """The genotype that takes option `choices[k]` of `decisions(space)[k]`.

    It has the space's name, vocabulary, block names, outputs and settings.

    Raises:
        ValueError: there are more or fewer choices than decisions.
        IndexError: a choice is negative or past the last option.
    """
    laid_out = plan(space)
    if any(choice < 0 for choice in choices):
        raise IndexError("a choice is negative")
    return laid_out.genotype(choices)
