"""A format's dialect: the vocabulary, skeleton and numbering its texts silently mean.

It leads from foreign op names and state numbers to nasdsl's and back, with a finding for each thing
that a text of that format cannot say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nasdsl import library
from nasdsl.errors import CellError, Diagnostic, Span, cell_error
from nasdsl.interop.foreign import Foreign
from nasdsl.language.genotype.settings import DEFAULT_SKELETON, Settings
from nasdsl.language.genotype.text import setting_text
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, Hidden, Output, State
from nasdsl.language.genotype.vocabulary import Vocabulary

_INPUTS = 2
#: Vocabularies' names for what is meant to be one op, where they differ.
_SYNONYMS = {
    "identity": "skip_connect",
    "skip_connect": "identity",
    "conv_1x7_7x1": "conv_7x1_1x7",
    "conv_7x1_1x7": "conv_1x7_7x1",
    "conv_1x3_3x1": "conv_3x1_1x3",
    "conv_3x1_1x3": "conv_1x3_3x1",
}


@dataclass(frozen=True)
class Dialect:
    """What the texts of a format mean without saying it.

    Attributes:
        title: the format's name in messages.
        vocabulary: the library's vocabulary that defines its ops.
        ops: from foreign names to the vocabulary's.
        skeleton: the wiring of the networks its cells are stacked in; None where nasdsl has
            no such skeleton.
        newest_first: whether state 0 is h[i] (slim) and not h[i-1] (DARTS).
        aliases: other foreign names for an op; they are read, never written.
    """

    title: str
    vocabulary: str
    ops: Mapping[str, str]
    skeleton: str | None = None
    newest_first: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)

    # -- reading -------------------------------------------------------------------------

    def op(self, foreign: Foreign, name: object, span: Span) -> str:
        """Our name of a foreign op.

        Raises:
            CellError: the format has no such op (NAS652).
        """
        found = self.ops.get(str(name)) or self.aliases.get(str(name))
        if found is None or not isinstance(name, str):
            raise foreign.unknown_op(name, span, self.title, list(self.ops))
        return found

    def state(self, foreign: Foreign, index: int, made: int, span: Span) -> State:
        """The state a number means where `made` blocks come before.

        Raises:
            CellError: there is no such state yet (NAS653).
        """
        if not 0 <= index < _INPUTS + made:
            raise foreign.cell_error(
                "NAS653",
                f"state {index} is not there yet; block {made} may read 0 to {made + 1}",
                span,
                f"{self.title} numbers the two inputs 0 and 1, and blocks from 2",
            )
        if index >= _INPUTS:
            return BlockState(f"b{index - _INPUTS}")
        return Hidden(index if self.newest_first else 1 - index)

    def genotype(self, name: str, cells: Sequence[Cell]) -> Genotype:
        """The genotype of these cells, with the format's vocabulary and skeleton."""
        settings = Settings(skeleton=self.skeleton)
        return Genotype(name, library.vocabulary(self.vocabulary), tuple(cells), settings)

    # -- writing -------------------------------------------------------------------------

    def names(self) -> dict[str, str]:
        """From our op names to the foreign ones; of several, the first."""
        found: dict[str, str] = {}
        for foreign, ours in self.ops.items():
            found.setdefault(ours, foreign)
        return found

    def op_names(self, genotype: Genotype) -> dict[str, str]:
        """The foreign name of each op that the genotype uses.

        An op is looked up by what it computes, and by its name only where nothing computes
        the same; `losses` says which those are.

        Raises:
            CellError: the format has no name for some ops or combines (NAS654).
        """
        used = used_ops(genotype)
        own = library.vocabulary(self.vocabulary)
        found, lacking = {}, []
        for name in used:
            ours = self._same_op(genotype.vocabulary, name, own)
            if ours is None:
                lacking.append(f"op `{name}`")
            else:
                found[name] = self.names()[ours]
        for name in sorted({block.combine for cell in genotype.cells for block in cell.blocks}):
            if genotype.vocabulary.combine[name].definition != "[sum]":
                lacking.append(f"combine `{name}`")
        if lacking:
            raise CellError(tuple(cannot_hold(self.title, f"the {what}") for what in lacking))
        return found

    def _same_op(self, vocabulary: Vocabulary, name: str, own: Vocabulary) -> str | None:
        forms, names = vocabulary.op[name].forms, self.names()
        if name in names and own.op[name].forms == forms:
            return name
        same = [ours for ours in names if own.op[ours].forms == forms]
        called = [known for known in (name, _SYNONYMS.get(name)) if known in names]
        return next(iter([*same, *called]), None)

    def losses(self, genotype: Genotype) -> list[Diagnostic]:
        """What a text of this format does not say: definitions of ops, settings, the skeleton."""
        own = library.vocabulary(self.vocabulary)
        ours = {foreign: name for name, foreign in self.names().items()}
        found = []
        for name, foreign in self.op_names(genotype).items():
            here, there = genotype.vocabulary.op[name], own.op[ours[foreign]]
            if here.forms != there.forms:
                found.append(
                    not_carried(
                        f"`{name}` computes {here.definition}; {self.title}'s {foreign!r} "
                        f"computes {there.definition}"
                    )
                )
        return [*found, *self.losses_of_settings(genotype)]

    def losses_of_settings(self, genotype: Genotype) -> list[Diagnostic]:
        """What the format does not say about the network."""
        given = genotype.settings.given()
        skeleton = given.pop("skeleton", DEFAULT_SKELETON)
        found = []
        if self.skeleton is None:
            found.append(not_carried(f"{self.title} stacks its cells in a network of its own"))
        elif skeleton != self.skeleton:
            text = f"the cells stand on the skeleton `{skeleton}`; {self.title}'s stand on another"
            found.append(not_carried(f"{text}, `{self.skeleton}`"))
        if given:
            settings = ", ".join(f"{key} = {setting_text(value)}" for key, value in given.items())
            found.append(not_carried(f"the network settings {settings} are not part of the format"))
        return found

    def index(self, cell: Cell, state: State) -> int:
        """The number of a state.

        Raises:
            CellError: the cell reads a state older than h[i-1] (NAS654).
        """
        if isinstance(state, BlockState):
            names = [block.name for block in cell.blocks]
            return _INPUTS + names.index(state.name)
        if state.back >= _INPUTS:
            raise CellError((cannot_hold(self.title, f"the input `{state}`"),))
        return state.back if self.newest_first else 1 - state.back


def used_ops(genotype: Genotype) -> list[str]:
    """The ops that blocks name, in the order of the vocabulary."""
    used = {op for cell in genotype.cells for block in cell.blocks for op in block.ops}
    return [name for name in genotype.vocabulary.op if name in used]


def concatenated(title: str, cell: Cell) -> tuple[State, ...]:
    """The states a cell concatenates.

    Raises:
        CellError: it passes them on one by one (NAS654).
    """
    if cell.output.kind == "each":
        raise CellError((cannot_hold(title, f"a {cell.kind} cell that passes on several states"),))
    return cell.output_states


def both_cells(title: str, genotype: Genotype) -> tuple[Cell, Cell]:
    """The normal and the reduction cell.

    Raises:
        CellError: one is missing (NAS654).
    """
    normal, reduction = genotype.cell("normal"), genotype.cell("reduction")
    if normal is None or reduction is None:
        lacking = "normal" if normal is None else "reduction"
        raise CellError((cannot_hold(title, f"a genotype without a {lacking} cell"),))
    return normal, reduction


def cell_of(kind: str, blocks: Sequence[Block], states: Sequence[State]) -> Cell:
    """A cell that concatenates `states`."""
    output = Output("concat", tuple(states))
    return Cell("normal" if kind == "normal" else "reduction", tuple(blocks), output)


def cannot_hold(title: str, what: str) -> Diagnostic:
    """The finding that a format has no way to say something (NAS654)."""
    (found,) = cell_error("NAS654", f"{title} cannot hold {what}").diagnostics
    return found


def not_carried(message: str) -> Diagnostic:
    """The finding that something does not carry over (NAS655)."""
    return Diagnostic("NAS655", message)
