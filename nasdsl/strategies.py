"""Hypothesis strategies: genotypes, spaces and texts to test with.

Purpose: property tests, nasdsl's own and those of its users. Everything drawn is valid,
and shrinks towards the first option of each decision, fewer blocks and plain names, so
that what a failing test shows is a small cell a person can read.
Non-goals: invalid texts (nasdsl's fuzz tests break valid ones), network settings.

Hypothesis comes with the extra `strategies`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from nasdsl.errors.hints import install_hint

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "nasdsl.strategies needs hypothesis, which is not installed (NAS701): "
        + install_hint("strategies")
    ) from error

from nasdsl import library
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import (
    CELL_KINDS,
    BlockSpace,
    CellKind,
    CellSpace,
    Genotype,
    Hidden,
    Output,
    OutputKind,
    Space,
    State,
    block_state,
    hidden,
    hidden_state_count,
)
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.space import decisions, genotype_from_choices

__all__ = ["any_genotypes", "genotypes", "spaces", "texts"]

_T = TypeVar("_T")

# Words that cannot name a block, since the grammar gives them a meaning inside a cell.
_KEYWORDS = frozenset({"cell", "concat", "each", "output", "unused"})
_OUTPUT_KINDS: tuple[OutputKind, ...] = ("unused", "concat", "each")
_CUSTOM_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name not in _KEYWORDS
)


def genotypes(space: Space) -> st.SearchStrategy[Genotype]:
    """Members of `space`. They shrink towards the first option of every decision.

    Args:
        space: any space, such as `nasdsl.load_space("nasnet_space")`.
    """
    numbers = [st.integers(0, len(options) - 1) for options in decisions(space)]
    return st.tuples(*numbers).map(lambda choices: genotype_from_choices(space, choices))


def any_genotypes(
    vocabulary: Vocabulary | None = None, *, max_blocks: int = 4
) -> st.SearchStrategy[Genotype]:
    """Small genotypes of any form: see `spaces`, which this draws without holes."""
    whole = spaces(vocabulary, max_blocks=max_blocks, max_options=1)
    return whole.map(lambda space: genotype_from_choices(space, [0] * len(decisions(space))))


@st.composite
def spaces(
    draw: st.DrawFn,
    vocabulary: Vocabulary | None = None,
    *,
    max_blocks: int = 4,
    max_options: int = 3,
) -> Space:
    """Small spaces of any form: one or both cells, every kind of output, any block names.

    Args:
        draw: given by hypothesis.
        vocabulary: its ops must give the cell's filters whatever they read, as those of
            `nasnet` do; that is the one that is taken where none is named.
        max_blocks: the most blocks in a cell.
        max_options: the most options in a field; 1 gives spaces without holes.
    """
    known = library.vocabulary("nasnet") if vocabulary is None else vocabulary
    sketches = [draw(_sketches(kind, max_blocks)) for kind in draw(st.sampled_from(_kinds(known)))]
    given = hidden_state_count(tuple(sketch.output for sketch in sketches))
    cells = tuple(draw(_cells(sketch, known, given, max_options)) for sketch in sketches)
    return Space("drawn", known, cells)


def texts(vocabulary: Vocabulary | None = None, *, max_blocks: int = 4) -> st.SearchStrategy[str]:
    """The `.cell` texts of `any_genotypes` and of `spaces`, as nasdsl prints them."""
    return any_genotypes(vocabulary, max_blocks=max_blocks).map(genotype_text) | spaces(
        vocabulary, max_blocks=max_blocks
    ).map(space_text)


def _kinds(vocabulary: Vocabulary) -> tuple[tuple[CellKind, ...], ...]:
    """Which cells a space may have; a reduction cell needs an op that reduces."""
    if not any(op.can_reduce for op in vocabulary.ops):
        return (("normal",),)
    return (("normal",), CELL_KINDS, ("reduction",))


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A cell before its blocks are filled in: what other cells need to know of it."""

    kind: CellKind
    names: tuple[str, ...]
    output: Output


@st.composite
def _sketches(draw: st.DrawFn, kind: CellKind, max_blocks: int) -> _Sketch:
    count = draw(st.integers(1, max_blocks))
    counted = st.just([f"b{number}" for number in range(count)])
    custom = st.lists(_CUSTOM_NAMES, min_size=count, max_size=count, unique=True)
    names = draw(counted | custom)
    output_kind = draw(st.sampled_from(_OUTPUT_KINDS))
    if output_kind == "unused":
        return _Sketch(kind, tuple(names), Output())
    # The last block first: shrinking leaves an output that reads as most do. One block at
    # least: a cell that passes on its inputs alone has nothing in it.
    made: list[State] = [*map(block_state, reversed(names))]
    passed_on = draw(st.lists(st.sampled_from([*made, hidden(0), hidden(1)]), unique=True))
    if not any(state in made for state in passed_on):
        passed_on.append(draw(st.sampled_from(made)))
    return _Sketch(kind, tuple(names), Output(output_kind, tuple(passed_on)))


@st.composite
def _cells(
    draw: st.DrawFn, sketch: _Sketch, vocabulary: Vocabulary, given: int, max_options: int
) -> CellSpace:
    known: list[State] = [hidden(back) for back in range(given)]
    reducing = [op.name for op in vocabulary.ops if op.can_reduce]
    blocks = []
    for name in sketch.names:
        left, right = (draw(_options(known, max_options)) for _ in range(2))
        left_ops, right_ops = (
            draw(
                _options(reducing if _strided(sketch, states) else list(vocabulary.op), max_options)
            )
            for states in (left, right)
        )
        combines = draw(_options(list(vocabulary.combine), max_options))
        blocks.append(BlockSpace(name, (left, right), (left_ops, right_ops), combines))
        known.append(block_state(name))
    return CellSpace(sketch.kind, tuple(blocks), sketch.output)


def _strided(sketch: _Sketch, states: Sequence[State]) -> bool:
    """Whether an op on one of `states` may have to reduce."""
    return sketch.kind == "reduction" and any(isinstance(state, Hidden) for state in states)


def _options(legal: Sequence[_T], most: int) -> st.SearchStrategy[tuple[_T, ...]]:
    """Some of `legal`, in any order, each once."""
    few = st.lists(st.sampled_from(legal), min_size=1, max_size=most, unique=True)
    return few.map(tuple)
