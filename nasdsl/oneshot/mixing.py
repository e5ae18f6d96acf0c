"""Mixing: the choices of a space as weighted sums of their options, and the member of the weights.

Purpose: which mixtures a cell has (`mixtures`), whether all their options give the same shape
(`ensure_mixable`), and the member that DARTS derives (`derived`).
Non-goals: weights and sums, which backends make.

A block whose operands are edges alike adds up all its edges, and each edge mixes ops, as in DARTS.
Elsewhere an operand mixes its ops; where its input is open too, it mixes all pairs of the two. A
combine mixes its options.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.liveness import liveness
from nasdsl.language.genotype.types import CellSpace, Genotype, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.oneshot.cells import SIDES, merged, state_key
from nasdsl.oneshot.graph import SuperGraph
from nasdsl.space import genotype_from_choices

#: Strengths of a mixture's options: a row for each input, a column for each op.
Strengths = Sequence[Sequence[float]]


class Mixture(NamedTuple):
    """Options that are mixed.

    Attributes:
        name: of its weights: `normal_b2_edge`.
        block: the index of the block.
        word: `edge`, `left`, `right` or `combine`.
        inputs: the states that the options read, `h1`, `b0`; empty for a combine.
        options: ops, or combines.
        over: how many weights add up to one: those of each input (`input`), or `all`.
    """

    name: str
    block: int
    word: str
    inputs: tuple[str, ...]
    options: tuple[str, ...]
    over: str


def mixtures(cell: CellSpace) -> tuple[Mixture, ...]:
    """The mixtures of a cell, block by block; what has one option is one too."""
    found = []
    for index, block in enumerate(cell.blocks):
        sides = ((0, "edge"),) if merged(block) else tuple(enumerate(SIDES))
        for side, word in sides:
            inputs = tuple(state_key(state, cell) for state in block.inputs[side])
            over = "input" if word == "edge" else "all"
            name = f"{cell.kind}_b{index}_{word}"
            found.append(Mixture(name, index, word, inputs, block.ops[side], over))
        name = f"{cell.kind}_b{index}_combine"
        found.append(Mixture(name, index, "combine", (), block.combines, "all"))
    return tuple(found)


def ensure_mixable(graph: SuperGraph) -> None:
    """Refuse a space some of whose options give different shapes.

    Raises:
        CellError: NAS890.
    """
    for cell in graph.cells.values():
        ensure_sums(cell.space, cell.vocabulary)
        for index, block in enumerate(cell.space.blocks):
            shapes = cell.shapes.get(index, frozenset())
            if len(shapes) > 1:
                given = " or ".join(map(str, sorted(shapes)))
                raise _unmixable(f"block `{block.name}` of the {cell.kind} cell reads {given}")
        if any(len(output.shapes) > 1 for output in cell.outputs):
            raise _unmixable(
                f"what the {cell.kind} cell passes on depends on what its blocks read",
                "name the states that it passes on: `output concat(...)`",
            )


def ensure_sums(cell: CellSpace, vocabulary: Vocabulary) -> None:
    """Refuse a cell that may concatenate what is mixed.

    Raises:
        CellError: NAS890.
    """
    for block in cell.blocks:
        if any(vocabulary.combine[c].operation == "concat" for c in block.combines) and (
            merged(block) or len(block.combines) > 1
        ):
            raise _unmixable(
                f"block `{block.name}` of the {cell.kind} cell combines by "
                f"{' or '.join(block.combines)}",
                "let it add: `add` gives one shape whatever is chosen",
            )


def _unmixable(message: str, *hints: str) -> CellError:
    return cell_error(
        "NAS890",
        f"{message}, so that its options cannot be mixed",
        *hints,
        "`relaxation='path'` runs one member at a time, whatever the shapes are, as the algorithms "
        "`single_path` and `enas` do",
    )


def derived(space: Space, strengths: Mapping[str, Strengths]) -> Genotype:
    """The member of the strongest options, as DARTS derives it.

    Of the edges of a block it takes the two whose best op is strongest, the stronger one first
    (quark0/darts `cnn/model_search.py`, `genotype`). Ops that give zeros are never taken where
    there is another.

    Args:
        space: the space.
        strengths: by the names of mixtures, the weights of their options.
    """
    taken: list[int] = []
    for cell in space.cells:
        by_name = {mixture.name: mixture for mixture in mixtures(cell)}
        for index in range(len(cell.blocks)):
            prefix = f"{cell.kind}_b{index}"
            edge = by_name.get(f"{prefix}_edge")
            if edge is not None:
                best = _best(edge, strengths[edge.name], space.vocabulary)
                order = sorted(range(len(best)), key=lambda row: -best[row][0])
                left, right = ((row, best[row][1]) for row in order[:2])
            else:
                left, right = (
                    _strongest(by_name[f"{prefix}_{word}"], strengths, space.vocabulary)
                    for word in SIDES
                )
            combines = list(strengths[f"{prefix}_combine"][0])
            taken += (left[0], right[0], left[1], right[1], combines.index(max(combines)))
    return genotype_from_choices(space, taken)


def taken_options(space: Space, taken: Sequence[int]) -> dict[str, list[tuple[int, int]]]:
    """By the names of mixtures, the rows and columns of a member's options.

    An edge that both operands of a block take stands there twice.

    Args:
        space: the space.
        taken: the member's choices (`nasdsl.space.choices`).
    """
    found: dict[str, list[tuple[int, int]]] = {}
    rest = iter(taken)
    for cell in space.cells:
        words = {(each.block, each.word) for each in mixtures(cell)}
        for index in range(len(cell.blocks)):
            left, right, left_op, right_op, combine = (next(rest) for _ in range(5))
            prefix = f"{cell.kind}_b{index}"
            pairs = [(left, left_op), (right, right_op)]
            if (index, "edge") in words:
                found[f"{prefix}_edge"] = pairs
            else:
                found |= {
                    f"{prefix}_{word}": [pair] for word, pair in zip(SIDES, pairs, strict=True)
                }
            found[f"{prefix}_combine"] = [(0, combine)]
    return found


def _strongest(
    mixture: Mixture, strengths: Mapping[str, Strengths], vocabulary: Vocabulary
) -> tuple[int, int]:
    best = _best(mixture, strengths[mixture.name], vocabulary)
    row = max(range(len(best)), key=lambda row: best[row][0])
    return row, best[row][1]


def _best(
    mixture: Mixture, strengths: Strengths, vocabulary: Vocabulary
) -> list[tuple[float, int]]:
    """For each input, the strength of its best op and which that is."""
    some = [i for i, op in enumerate(mixture.options) if not gives_zeros(vocabulary, op)]
    options = some or list(range(len(mixture.options)))
    best = [max(options, key=row.__getitem__) for row in strengths]
    return [(row[column], column) for row, column in zip(strengths, best, strict=True)]


def gives_zeros(vocabulary: Vocabulary, op: str) -> bool:
    """Whether an op is DARTS's `none`."""
    return all(
        any(layer.primitive == "zero" for layer in form.layers) for form in vocabulary.op[op].forms
    )


def skips(space: Space, genotype: Genotype) -> tuple[int, int]:
    """How many of a member's chosen ops are skips, and how many were chosen.

    Ops count that the space leaves open, in blocks that the member uses. A skip passes its input
    through where it may: `identity`, `skip_connect`.
    """
    found = [
        passes_through(genotype.vocabulary, op)
        for cell, open_cell in zip(genotype.cells, space.cells, strict=True)
        for block, open_block, live in zip(
            cell.blocks, open_cell.blocks, liveness(cell).live, strict=True
        )
        for op, options in zip(block.ops, open_block.ops, strict=True)
        if live and len(options) > 1
    ]
    return sum(found), len(found)


def passes_through(vocabulary: Vocabulary, op: str) -> bool:
    """Whether an op at stride 1 is nothing at all."""
    return any(not form.layers for form in vocabulary.op[op].forms)
