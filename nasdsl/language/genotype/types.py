"""Genotypes and spaces: what the Python API hands around.

Purpose: frozen, hashable, comparable values without spans. A `Space` is a genotype whose
five fields may each list several options; a `Genotype` is a space of size one.
Values of these types are assumed to be valid (`nasdsl.language.validator` checks them).
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from nasdsl.language.genotype.display import mime_bundle
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.language.genotype.vocabulary import Vocabulary

CellKind = Literal["normal", "reduction"]
OutputKind = Literal["unused", "concat", "each"]
CELL_KINDS: tuple[CellKind, ...] = ("normal", "reduction")


@dataclass(frozen=True, slots=True)
class Hidden:
    """A hidden state the cell is given: `back = 0` is `h[i]`, `back = 1` is `h[i-1]`."""

    back: int

    def __str__(self) -> str:
        return f"h[i-{self.back}]" if self.back else "h[i]"


@dataclass(frozen=True, slots=True)
class BlockState:
    """The hidden state that the block called `name` computes."""

    name: str

    def __str__(self) -> str:
        return self.name


State = Hidden | BlockState


@dataclass(frozen=True, slots=True)
class Block:
    """The paper's five decisions: two inputs, an op for each, and how to combine them."""

    name: str
    inputs: tuple[State, State]
    ops: tuple[str, str]
    combine: str

    @property
    def fields(self) -> tuple[str, str, str, str, str]:
        """The five fields as they are written."""
        (left, right), (left_op, right_op) = self.inputs, self.ops
        return str(left), str(right), left_op, right_op, self.combine


@dataclass(frozen=True, slots=True)
class Output:
    """What a cell passes on.

    `unused`: the concatenation of every block no block reads (Zoph et al. 2018, section 3).
    `concat`: the concatenation of the states listed. `each`: the states listed, one by one.
    """

    kind: OutputKind = "unused"
    states: tuple[State, ...] = ()


UNUSED = Output()


@dataclass(frozen=True, slots=True)
class Cell:
    """Blocks in the order they are computed, and the output."""

    kind: CellKind
    blocks: tuple[Block, ...]
    output: Output = UNUSED

    @property
    def output_states(self) -> tuple[State, ...]:
        """The states the output names, with `unused` worked out."""
        if self.output.kind != "unused":
            return self.output.states
        read = {state for block in self.blocks for state in block.inputs}
        made = (BlockState(block.name) for block in self.blocks)
        return tuple(state for state in made if state not in read)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What notebooks show: text, and the picture where Graphviz is installed."""
        return mime_bundle(self)


@dataclass(frozen=True, slots=True)
class Genotype:
    """A cell of each kind over a vocabulary, and the network settings its file gave.

    `parse(print(genotype)) == genotype`. The hash leaves the vocabulary out (equal
    genotypes still have equal hashes), so that hashing stays cheap.
    """

    name: str
    vocabulary: Vocabulary = field(hash=False)
    cells: tuple[Cell, ...]
    settings: Settings = NO_SETTINGS

    def __str__(self) -> str:
        """The `.cell` text, as `nasdsl.genotype_text` prints it."""
        # Imported here because printing lies above what it prints.
        from nasdsl.language.genotype.text import genotype_text

        return genotype_text(self)

    def cell(self, kind: CellKind) -> Cell | None:
        """The cell of that kind, or None where the genotype has none."""
        return next((cell for cell in self.cells if cell.kind == kind), None)

    def with_settings(self, settings: Settings) -> "Genotype":
        """The same cells with other network settings."""
        return replace(self, settings=settings)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What notebooks show: text, and the picture where Graphviz is installed."""
        return mime_bundle(self)


@dataclass(frozen=True, slots=True)
class BlockSpace:
    """A block whose fields each list their options, in the order they are counted."""

    name: str
    inputs: tuple[tuple[State, ...], tuple[State, ...]]
    ops: tuple[tuple[str, ...], tuple[str, ...]]
    combines: tuple[str, ...]

    @property
    def decisions(self) -> tuple[tuple[State, ...] | tuple[str, ...], ...]:
        """The options of the five fields, in the order of the tuple."""
        return (*self.inputs, *self.ops, self.combines)


@dataclass(frozen=True, slots=True)
class CellSpace:
    """A cell of `BlockSpace`s. The output is not a decision."""

    kind: CellKind
    blocks: tuple[BlockSpace, ...]
    output: Output = UNUSED


@dataclass(frozen=True, slots=True)
class Space:
    """A genotype with holes: the product of its decisions.

    Every combination of options is a valid genotype: what is not legal is left out when
    the space is resolved, or reported.
    """

    name: str
    vocabulary: Vocabulary = field(hash=False)
    cells: tuple[CellSpace, ...]
    settings: Settings = NO_SETTINGS

    def __str__(self) -> str:
        """The `.cell` text, as `nasdsl.space_text` prints it."""
        # Imported here because printing lies above what it prints.
        from nasdsl.language.genotype.text import space_text

        return space_text(self)

    @property
    def is_genotype(self) -> bool:
        """Whether nothing is left open."""
        return all(
            len(options) == 1
            for cell in self.cells
            for block in cell.blocks
            for options in block.decisions
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What notebooks show: text, and the picture where Graphviz is installed."""
        return mime_bundle(self)


@lru_cache(maxsize=4096)
def hidden(back: int) -> Hidden:
    """`Hidden(back)`, shared: samplers make millions of them."""
    return Hidden(back)


@lru_cache(maxsize=4096)
def block_state(name: str) -> BlockState:
    """`BlockState(name)`, shared: samplers make millions of them."""
    return BlockState(name)


def hidden_state_count(outputs: tuple[Output, ...]) -> int:
    """How many hidden states a cell may read: `h[i]` to `h[i-(n-1)]`.

    Every cell appends its outputs to the list of hidden states, one for `concat` and
    `unused`, n for `each` of n. Two cells always come before (the stem counts as both
    where the network begins), so there are at least two; where every cell appends more,
    there are that many.
    """
    appended = [len(set(out.states)) if out.kind == "each" else 1 for out in outputs]
    return max(2, min(appended, default=1))
