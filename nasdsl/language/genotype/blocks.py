"""Blocks and outputs: from the syntax of one cell to a `CellSpace`.

Purpose: names become states, ops and combines; holes become their options; findings 2xx
and 3xx say what does not.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from nasdsl.errors import Span, nearest
from nasdsl.language import tree
from nasdsl.language.genotype import cell_messages as messages
from nasdsl.language.genotype.findings import Findings, is_already_reported
from nasdsl.language.genotype.types import (
    UNUSED,
    BlockSpace,
    BlockState,
    CellKind,
    CellSpace,
    Output,
    State,
    block_state,
    hidden,
)
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.language.parser.known_blocks import origin_of

MAX_BLOCKS = 20_000
MAX_OPTIONS = 1_000_000

_STATE = re.compile(r"h\s*\[\s*i\s*(?:-\s*(\d{1,6})\s*)?\]")
_COUNT = re.compile(r"\d{1,6}")


class BlockPlaces(NamedTuple):
    """The name of a block, and the statement in which it is written."""

    called: str
    statement: tree.Block | tree.Repeat

    @property
    def name(self) -> Span:
        """Where the block's name stands, or how often it is repeated."""
        written = self.statement
        return written.name.span if isinstance(written, tree.Block) else written.count.span

    @property
    def fields(self) -> tuple[Span, ...]:
        """Where its fields stand."""
        return tuple(each.span for each in self.statement.tuple.fields)


@dataclass(frozen=True, slots=True)
class CellPlaces:
    """Where a cell's kind, blocks and output states stand in the source."""

    kind: Span
    blocks: tuple[BlockPlaces, ...]
    output: Span | None = None


class _Meaning(NamedTuple):
    """What a block of the tree means where the blocks that it reads come before it."""

    origin: tree.Block
    block: BlockSpace
    reads: frozenset[str]
    options: int


@dataclass
class Meanings:
    """What the blocks of a cell mean, for the next text, which mostly has the same blocks.

    It holds for one vocabulary and one number of hidden states. `blocks` has an entry for each
    block of the tree, by its identity.
    """

    vocabulary: Vocabulary
    given: int
    blocks: dict[int, _Meaning]


class CellResolver:
    """Resolves one cell; every mistake of it goes into `findings`."""

    def __init__(
        self,
        cell: tree.Cell,
        vocabulary: Vocabulary,
        given: int,
        findings: Findings,
        before: Meanings | None = None,
    ) -> None:
        self.cell, self.vocabulary, self.given = cell, vocabulary, given
        self.findings = findings
        fits = before is not None and (before.vocabulary, before.given) == (vocabulary, given)
        self.before = before.blocks if before is not None and fits else {}
        #: What may be passed on to whoever resolves the cell after the next edit.
        self.meanings = Meanings(vocabulary, given, {})
        self.options = 0
        self.all_ops = tuple(vocabulary.op)
        self.reducing_ops = tuple(op.name for op in vocabulary.ops if op.can_reduce)
        self.all_combines = tuple(vocabulary.combine)

    def run(self, kind: CellKind) -> tuple[CellSpace, CellPlaces] | None:
        """The cell and its places, or None where it has errors."""
        before = len(self.findings)
        drafts = self._drafts()
        if not drafts and not self.findings.is_damaged(self.cell.span):
            messages.empty_cell(self.findings, self.cell.kind)
        self.drafts = drafts
        self.known: list[State] = [hidden(back) for back in range(self.given)]
        self.earlier: dict[str, State] = {}
        blocks, places = [], []
        refused: tree.Statement | None = None
        for draft in drafts:
            block = self._remembered(draft)
            # The errors of a repeated block are reported once.
            if block is None and draft.statement is not refused:
                block = self._block(draft, kind)
                refused = draft.statement if block is None else None
            if block is not None:
                blocks.append(block)
                places.append(draft)
            state = block_state(draft.called)
            self.earlier.setdefault(draft.called, state)
            self.known.append(state)
        output, output_place = self._output()
        if len(self.findings) > before or len(blocks) < len(drafts):
            return None
        space = CellSpace(kind, tuple(blocks), output)
        return space, CellPlaces(self.cell.kind.span, tuple(places), output_place)

    # -- blocks -----------------------------------------------------------------------

    @cached_property
    def defined(self) -> dict[str, BlockPlaces]:
        """Every block of the cell by its name; of several, the first."""
        return {draft.called: draft for draft in reversed(self.drafts)}

    def _drafts(self) -> list[BlockPlaces]:
        drafts: list[BlockPlaces] = []
        taken: dict[str, BlockPlaces] = {}
        for statement in self.cell.statements:
            if isinstance(statement, tree.Output):
                continue
            if isinstance(statement, tree.Block):
                name = origin_of(statement).name
                names = [f"b{len(drafts)}" if is_already_reported(name) else name.text]
            else:
                count = self._count(statement, len(drafts))
                names = [f"b{len(drafts) + i}" for i in range(count)]
            for name_ in names:
                draft = BlockPlaces(name_, statement)
                first = taken.setdefault(name_, draft)
                if first is not draft:
                    repeated = isinstance(statement, tree.Repeat)
                    messages.name_taken(self.findings, name_, draft.name, first.name, repeated)
                drafts.append(draft)
        return drafts

    def _count(self, repeat: tree.Repeat, already: int) -> int:
        number = repeat.count
        if is_already_reported(number):
            return 1
        count = int(number.text) if _COUNT.fullmatch(number.text) else 0
        if 1 <= count <= MAX_BLOCKS - already:
            return count
        self.findings.add(
            "NAS106",
            number.span,
            f"`{number.text[:40]}` is not a number of blocks",
            label=f"expected a whole number from 1 to {MAX_BLOCKS - already:,}",
        )
        return 1

    def _remembered(self, draft: BlockPlaces) -> BlockSpace | None:
        """What the block meant before the edit, where that is what it means now."""
        if not self.before or not isinstance(draft.statement, tree.Block):
            return None
        key = id(origin_of(draft.statement))
        found = self.before.get(key)
        if found is None or not found.reads <= self.earlier.keys():
            return None
        if self.options + found.options > MAX_OPTIONS:
            return None
        self.options += found.options
        self.meanings.blocks[key] = found
        return found.block

    def _remember(self, draft: BlockPlaces, block: BlockSpace, options: int) -> None:
        """Keep what the block means, unless that depends on more than the names it reads."""
        statement = draft.statement
        if not isinstance(statement, tree.Block) or block.name != statement.name.text:
            return
        if any(not isinstance(each, tree.Word | tree.State) for each in statement.tuple.fields[:2]):
            return
        origin = origin_of(statement)
        reads = [states[0].name for states in block.inputs if isinstance(states[0], BlockState)]
        self.meanings.blocks[id(origin)] = _Meaning(origin, block, frozenset(reads), options)

    def _block(self, draft: BlockPlaces, kind: CellKind) -> BlockSpace | None:
        fields = draft.statement.tuple.fields
        if len(fields) != 5:
            self._wrong_arity(draft)
            return None
        before = len(self.findings)
        left, right = self._inputs(fields[0], draft), self._inputs(fields[1], draft)
        ops = tuple(
            self._legal_ops(kind, states)
            if isinstance(field, tree.Hole)
            else self._names(field, position, ())
            for position, (field, states) in enumerate(
                zip(fields[2:4], (left, right), strict=True), 2
            )
        )
        combines = self._names(fields[4], 4, self.all_combines)
        if len(self.findings) > before or not (left and right and all(ops) and combines):
            return None
        options = sum(map(len, (left, right, *ops, combines)))
        self.options += options
        if self.options > MAX_OPTIONS:
            self._too_many_options(draft)
            return None
        block = BlockSpace(draft.called, (left, right), (ops[0], ops[1]), combines)
        self._remember(draft, block, options)
        return block

    def _legal_ops(self, kind: CellKind, states: tuple[State, ...]) -> tuple[str, ...]:
        """What `?` may be: an op that may have to reduce must be able to."""
        strided = kind == "reduction" and any(state in self.known[: self.given] for state in states)
        return self.reducing_ops if strided else self.all_ops

    def _too_many_options(self, draft: BlockPlaces) -> None:
        if self.options < 2 * MAX_OPTIONS:
            self.findings.add(
                "NAS106",
                draft.name,
                f"the holes of this cell have more than {MAX_OPTIONS:,} options together",
                label="the limit is passed here",
            )
        self.options = 2 * MAX_OPTIONS

    def _role(self, field: tree.Field) -> str | None:
        """What a field looks like, whatever place it stands in."""
        if isinstance(field, tree.State):
            return "input"
        if not isinstance(field, tree.Word):
            return None
        for role, names in (
            ("input", self.defined),
            ("op", self.vocabulary.op),
            ("combine", self.vocabulary.combine),
        ):
            if field.text in names:
                return role
        return None

    def _wrong_arity(self, draft: BlockPlaces) -> None:
        fields = draft.statement.tuple.fields
        for index, field in enumerate(fields):
            for atom in () if isinstance(field, tree.Hole) else self._atoms(field):
                self._check_alone(atom, draft, index, last=index == len(fields) - 1)
        span = draft.statement.tuple.span
        if span.start == span.end or self.findings.is_damaged(span):
            return  # the parser invented it or has reported it
        roles = [self._role(field) for field in fields]
        messages.wrong_arity(self.findings, draft.called, draft.statement.tuple, roles)

    def _check_alone(self, atom: tree.Atom, draft: BlockPlaces, index: int, *, last: bool) -> None:
        """Report what is wrong with a field, whatever place it should have stood in."""
        role = self._role(atom)
        if isinstance(atom, tree.State) or role == "input":
            self._input(atom, draft)
            return
        if role is not None or is_already_reported(atom):
            return
        combine = nearest(atom.text, self.all_combines)
        if combine or nearest(atom.text, self.all_ops):
            kind = "combine" if combine else "op"
        elif index < 2:
            kind = "input"
        else:
            kind = "combine" if last else "op"
        if kind == "input":
            self._not_an_input(atom, draft)
        else:
            names = self.vocabulary.combine if kind == "combine" else self.vocabulary.op
            self._unknown_name(atom, kind, names)

    # -- inputs -----------------------------------------------------------------------

    def _inputs(self, field: tree.Field, draft: BlockPlaces) -> tuple[State, ...]:
        if isinstance(field, tree.Hole):
            if self.options + len(self.known) > MAX_OPTIONS:
                self.options = self.options + len(self.known)
                self._too_many_options(draft)
                return ()
            return tuple(self.known)
        found = [
            state for atom in self._atoms(field) if (state := self._input(atom, draft)) is not None
        ]
        return tuple(found)

    def _input(self, atom: tree.Atom, draft: BlockPlaces) -> State | None:
        if isinstance(atom, tree.State):
            return self._hidden_state(atom)
        state = self.earlier.get(atom.text)
        if state is None and not is_already_reported(atom):
            self._not_an_input(atom, draft)
        return state

    def _not_an_input(self, atom: tree.Word, draft: BlockPlaces) -> None:
        role = self._role(atom)
        if atom.text == draft.called:
            messages.reads_itself(self.findings, atom)
        elif atom.text in self.defined:
            place = self.defined[atom.text].name
            messages.reads_later(self.findings, atom, draft.called, place)
        elif role is not None:
            messages.misplaced(self.findings, atom, "input", role)
        else:
            messages.unknown_input(self.findings, atom, self.earlier, self.known)

    def _hidden_state(self, atom: tree.State) -> State | None:
        match = _STATE.fullmatch(atom.text)
        if match is None:
            messages.malformed_state(self.findings, atom)
            return None
        back = int(match[1] or 0)
        if back < self.given:
            return hidden(back)
        messages.beyond_given(self.findings, atom, back, self.known[: self.given])
        return None

    # -- ops and combines ---------------------------------------------------------------

    def _names(self, field: tree.Field, position: int, legal: tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(field, tree.Hole):
            return legal
        names: Mapping[str, Any] = self.vocabulary.combine if position == 4 else self.vocabulary.op
        found = []
        for atom in self._atoms(field):
            if atom.text in names:
                found.append(atom.text)
            elif not is_already_reported(atom):
                self._unknown_name(atom, "combine" if position == 4 else "op", names)
        return tuple(found)

    def _unknown_name(self, atom: tree.Atom, kind: str, names: Collection[str]) -> None:
        role = self._role(atom)
        if role is not None and role != kind:
            messages.misplaced(self.findings, atom, kind, role)
        elif self.vocabulary.op or self.vocabulary.combine:
            messages.unknown_name(self.findings, atom, kind, self.vocabulary.name, names)
        # A missing vocabulary has been reported already.

    def _atoms(self, field: tree.Word | tree.State | tree.Choice) -> tuple[tree.Atom, ...]:
        if not isinstance(field, tree.Choice):
            return (field,)
        seen: dict[str, tree.Atom] = {}
        for option in field.options:
            text = "".join(option.text.split())
            if text in seen:
                messages.listed_twice(self.findings, option, seen[text].span)
            seen.setdefault(text, option)
        return tuple(seen.values())

    # -- output -------------------------------------------------------------------------

    def _output(self) -> tuple[Output, Span | None]:
        outputs = [item for item in self.cell.statements if isinstance(item, tree.Output)]
        for extra in outputs[1:]:
            kind = self.cell.kind.text
            messages.second_output(self.findings, kind, extra.span, outputs[0].span)
        if not outputs or outputs[0].kind.text == "unused":
            return UNUSED, outputs[0].span if outputs else None
        output = outputs[0]
        states = [state for atom in output.states if (state := self._output_state(atom))]
        if all(isinstance(atom, tree.State) for atom in output.states):
            messages.output_without_blocks(self.findings, output)
        self._report_repeats(output)
        way: Any = output.kind.text
        return Output(way, tuple(states)), output.span

    def _output_state(self, atom: tree.Atom) -> State | None:
        if isinstance(atom, tree.State):
            return self._hidden_state(atom)
        if is_already_reported(atom):
            return None
        state = self.earlier.get(atom.text)
        if state is None:
            messages.unknown_output(self.findings, atom, self.earlier, self.known)
        return state

    def _report_repeats(self, output: tree.Output) -> None:
        seen: dict[str, Span] = {}
        for atom in output.states:
            text = "".join(atom.text.split())
            if text in seen and not is_already_reported(atom):
                messages.named_twice(self.findings, atom, seen[text])
            seen.setdefault(text, atom.span)
