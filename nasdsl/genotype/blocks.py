"""Blocks and outputs: from the syntax of one cell to a `CellSpace`.

Purpose: names become states, ops and combines; holes become their options; findings 2xx
and 3xx say what does not.
Non-goals: shapes (`nasdsl.validator.shapes`); what surrounds the cell (`resolve`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nasdsl.errors import Label, Span, listed, nearest
from nasdsl.genotype.findings import Findings, is_poison, misspelt
from nasdsl.genotype.types import (
    UNUSED,
    BlockSpace,
    CellKind,
    CellSpace,
    Output,
    State,
    block_state,
    hidden,
)
from nasdsl.genotype.vocabulary import Vocabulary
from nasdsl.syntax import tree

MOST_BLOCKS = 20_000
MOST_OPTIONS = 1_000_000

FIELD_NAMES = ("first input", "second input", "first op", "second op", "combine")

_STATE = re.compile(r"h\s*\[\s*i\s*(?:-\s*(\d{1,6})\s*)?\]")
_COUNT = re.compile(r"\d{1,6}")


@dataclass(frozen=True, slots=True)
class BlockPlaces:
    """Where a block's name and fields stand in the source."""

    name: Span
    fields: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class CellPlaces:
    """Where a cell's kind, blocks and output states stand in the source."""

    kind: Span
    blocks: tuple[BlockPlaces, ...]
    output: Span | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A block before its names are resolved."""

    name: str
    place: Span
    tuple: tree.Tuple


class CellResolver:
    """Resolves one cell; every mistake of it goes into `findings`."""

    def __init__(
        self, cell: tree.Cell, vocabulary: Vocabulary, given: int, findings: Findings
    ) -> None:
        self.cell, self.vocabulary, self.given = cell, vocabulary, given
        self.findings = findings
        self.options = 0
        self.all_ops = tuple(vocabulary.op)
        self.reducing_ops = tuple(op.name for op in vocabulary.ops if op.can_reduce)
        self.all_combines = tuple(vocabulary.combine)

    def run(self, kind: CellKind) -> tuple[CellSpace, CellPlaces] | None:
        """The cell and its places, or None where something in it is wrong."""
        before = len(self.findings)
        drafts = self._drafts()
        if not drafts:
            self._empty()
        self.defined = {draft.name: draft for draft in reversed(drafts)}
        self.known: list[State] = [hidden(back) for back in range(self.given)]
        self.earlier: dict[str, State] = {}
        blocks, places = [], []
        for draft in drafts:
            block = self._block(draft, kind)
            if block is not None:
                blocks.append(block)
                spans = tuple(field.span for field in draft.tuple.fields)
                places.append(BlockPlaces(draft.place, spans))
            self.earlier.setdefault(draft.name, block_state(draft.name))
            self.known.append(block_state(draft.name))
        output, output_place = self._output()
        if len(self.findings) > before or len(blocks) < len(drafts):
            return None
        space = CellSpace(kind, tuple(blocks), output)
        return space, CellPlaces(self.cell.kind.span, tuple(places), output_place)

    # -- blocks -----------------------------------------------------------------------

    def _drafts(self) -> list[_Draft]:
        drafts: list[_Draft] = []
        taken: dict[str, Span] = {}
        for statement in self.cell.statements:
            if isinstance(statement, tree.Output):
                continue
            if isinstance(statement, tree.Block):
                names, place = [statement.name.text], statement.name.span
                if is_poison(statement.name):
                    names = [f"b{len(drafts)}"]
            else:
                place = statement.count.span
                names = [f"b{len(drafts) + i}" for i in range(self._count(statement, len(drafts)))]
            for name in names:
                if name in taken:
                    self._taken(name, place, taken[name], isinstance(statement, tree.Repeat))
                taken.setdefault(name, place)
                drafts.append(_Draft(name, place, statement.tuple))
        return drafts

    def _count(self, repeat: tree.Repeat, already: int) -> int:
        number = repeat.count
        if is_poison(number):
            return 1
        count = int(number.text) if _COUNT.fullmatch(number.text) else 0
        if 1 <= count <= MOST_BLOCKS - already:
            return count
        self.findings.add(
            "NAS106",
            number.span,
            f"`{number.text[:40]}` is not a number of blocks",
            label=f"expected a whole number from 1 to {MOST_BLOCKS - already:,}",
        )
        return 1

    def _taken(self, name: str, place: Span, first: Span, repeated: bool) -> None:
        counted = " (repeated blocks are named by their position)" if repeated else ""
        self.findings.add(
            "NAS206",
            place,
            f"the name `{name}` is taken{counted}",
            label="defined again here",
            secondary=(Label(first, f"`{name}` is first defined here"),),
            hints=("every block of a cell has a name of its own",),
        )

    def _empty(self) -> None:
        self.findings.add(
            "NAS302",
            self.cell.kind.span,
            f"the cell `{self.cell.kind.text}` has no blocks",
            label="needs at least one block",
            hints=("a block is `b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)`",),
        )

    def _block(self, draft: _Draft, kind: CellKind) -> BlockSpace | None:
        fields = draft.tuple.fields
        if len(fields) != 5:
            self._arity(draft)
            return None
        before = len(self.findings)
        left, right = self._inputs(fields[0], draft), self._inputs(fields[1], draft)
        ops = tuple(
            self._names(field, position, self._legal_ops(kind, states))
            for position, (field, states) in enumerate(
                zip(fields[2:4], (left, right), strict=True), 2
            )
        )
        combines = self._names(fields[4], 4, self.all_combines)
        if len(self.findings) > before or not (left and right and all(ops) and combines):
            return None
        self.options += sum(map(len, (left, right, *ops, combines)))
        if self.options > MOST_OPTIONS:
            self._too_many_options(draft)
            return None
        return BlockSpace(draft.name, (left, right), (ops[0], ops[1]), combines)

    def _legal_ops(self, kind: CellKind, states: tuple[State, ...]) -> tuple[str, ...]:
        """What `?` may be: an op that may have to reduce must be able to."""
        strided = kind == "reduction" and any(state in self.known[: self.given] for state in states)
        return self.reducing_ops if strided else self.all_ops

    def _too_many_options(self, draft: _Draft) -> None:
        if self.options < 2 * MOST_OPTIONS:
            self.findings.add(
                "NAS106",
                draft.place,
                f"the holes of this cell have more than {MOST_OPTIONS:,} options together",
                label="the limit is passed here",
            )
        self.options = 2 * MOST_OPTIONS

    def _arity(self, draft: _Draft) -> None:
        fields = draft.tuple.fields
        for field in fields:
            if isinstance(field, tree.State):
                self.hidden_state(field)
        roles = [self._role(field) for field in fields]
        wanted = ["input", "input", "op", "op", "combine"]
        lacking = [
            role
            for role in ("input", "op", "combine")
            if None not in roles and roles.count(role) < wanted.count(role)
        ]
        extra = fields[5].span.to(fields[-1].span) if len(fields) > 5 else draft.tuple.span
        count = "no fields" if not fields else f"{len(fields)} field{'s' * (len(fields) > 1)}"
        label = f"an {lacking[0]} is missing" if lacking and len(fields) < 5 else ""
        self.findings.add(
            "NAS301",
            extra,
            f"block `{draft.name}` has {count} where five are needed",
            label=label.replace("an combine", "the combine") or f"{count} here",
            hints=("a block is `(input, input, op, op, combine)`",),
        )

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

    # -- inputs -----------------------------------------------------------------------

    def _inputs(self, field: tree.Field, draft: _Draft) -> tuple[State, ...]:
        if isinstance(field, tree.Hole):
            if self.options + len(self.known) > MOST_OPTIONS:
                self.options = self.options + len(self.known)
                self._too_many_options(draft)
                return ()
            return tuple(self.known)
        found = [
            state for atom in self._atoms(field) if (state := self._input(atom, draft)) is not None
        ]
        return tuple(found)

    def _input(self, atom: tree.Atom, draft: _Draft) -> State | None:
        if isinstance(atom, tree.State):
            return self.hidden_state(atom)
        if is_poison(atom):
            return None
        state = self.earlier.get(atom.text)
        if state is None:
            self._not_an_input(atom, draft)
        return state

    def hidden_state(self, atom: tree.State) -> State | None:
        """`h[i-k]` as a state, or None with a finding."""
        match = _STATE.fullmatch(atom.text)
        if match is None:
            self._malformed_state(atom)
            return None
        back = int(match[1] or 0)
        if back < self.given:
            return hidden(back)
        last = hidden(self.given - 1)
        self.findings.add(
            "NAS207",
            atom.span,
            f"`{hidden(back)}` is beyond what the cell is given",
            label=f"the cell is given {listed(map(str, self.known[: self.given]))}",
            hints=(f"the oldest state it can read is `{last}`",),
        )
        return None

    def _malformed_state(self, atom: tree.State) -> None:
        loose = re.fullmatch(r"\w\s*\[\s*([a-zA-Z]?)\s*([-+]?)\s*(\d{0,6})\s*\]?", atom.text)
        guess = None
        if loose and loose[2] != "+" and (loose[1] or loose[2]):
            guess = str(hidden(int(loose[3] or 0)))
        hints, fixes = misspelt(atom.span, guess)
        if loose and not guess:
            hints = (
                "`h[i]` is the newest hidden state and `h[i-1]` the one before it; other tools"
                " disagree about which of them is number 0",
            )
        self.findings.add(
            "NAS105",
            atom.span,
            f"`{atom.text[:40]}` is not a hidden state",
            label="expected `h[i]`, `h[i-1]`, ...",
            hints=hints,
            fixes=fixes,
        )

    def _not_an_input(self, atom: tree.Word, draft: _Draft) -> None:
        name = atom.text
        later = self.defined.get(name)
        if name == draft.name:
            self.findings.add(
                "NAS205",
                atom.span,
                f"block `{name}` reads itself",
                label="its own state does not exist yet",
                hints=("an input is `h[i]`, `h[i-1]` or an earlier block",),
            )
        elif later is not None:
            self.findings.add(
                "NAS204",
                atom.span,
                f"block `{draft.name}` reads `{name}`, which comes later",
                label="not computed yet",
                secondary=(Label(later.place, f"`{name}` is defined here"),),
                hints=(f"move `{name}` above `{draft.name}`",),
            )
        elif name in self.vocabulary.op or name in self.vocabulary.combine:
            self._misplaced(atom, "input", "an op" if name in self.vocabulary.op else "a combine")
        else:
            hints, fixes = misspelt(atom.span, nearest(name, self.earlier))
            self.findings.add(
                "NAS203",
                atom.span,
                f"unknown input `{name}`",
                label="no block of this name comes before",
                hints=hints or (f"the inputs here are {listed(map(str, self.known))}",),
                fixes=fixes,
            )

    # -- ops and combines ---------------------------------------------------------------

    def _names(self, field: tree.Field, position: int, legal: tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(field, tree.Hole):
            return legal
        names: Mapping[str, Any] = self.vocabulary.combine if position == 4 else self.vocabulary.op
        found = []
        for atom in self._atoms(field):
            if atom.text in names:
                found.append(atom.text)
            elif not is_poison(atom):
                self._unknown_name(atom, position, names)
        return tuple(found)

    def _unknown_name(self, atom: tree.Atom, position: int, names: Iterable[str]) -> None:
        kind = "combine" if position == 4 else "op"
        role = self._role(atom)
        if role is not None and role != kind:
            self._misplaced(atom, kind, {"input": "an input", "op": "an op"}.get(role, "a combine"))
            return
        if not (self.vocabulary.op or self.vocabulary.combine):
            return  # the vocabulary itself is missing, and that has been said
        hints, fixes = misspelt(atom.span, nearest(atom.text, names))
        source = f"vocabulary `{self.vocabulary.name}`" if self.vocabulary.name else "file"
        self.findings.add(
            "NAS202" if kind == "combine" else "NAS201",
            atom.span,
            f"unknown {kind} `{atom.text[:60]}`",
            label=f"not {'a combine' if kind == 'combine' else 'an op'} of the {source}",
            hints=hints or (f"the {kind}s are {listed(names)}",),
            fixes=fixes,
        )

    def _misplaced(self, atom: tree.Atom, expected: str, found: str) -> None:
        self.findings.add(
            "NAS212",
            atom.span,
            f"`{atom.text}` is {found}, and {'an' if expected != 'combine' else 'a'} "
            f"{expected} belongs here",
            label=f"expected {'an' if expected != 'combine' else 'a'} {expected}",
            hints=("a block is `(input, input, op, op, combine)`",),
        )

    def _atoms(self, field: tree.Word | tree.State | tree.Choice) -> tuple[tree.Atom, ...]:
        if not isinstance(field, tree.Choice):
            return (field,)
        seen: dict[str, tree.Atom] = {}
        for option in field.options:
            text = "".join(option.text.split())
            if text in seen:
                self.findings.add(
                    "NAS311",
                    option.span,
                    f"the choice lists `{option.text}` twice",
                    label="listed again here",
                    secondary=(Label(seen[text].span, "first listed here"),),
                    hints=("every option of a choice is as likely as the others",),
                )
            seen.setdefault(text, option)
        return tuple(seen.values())

    # -- output -------------------------------------------------------------------------

    def _output(self) -> tuple[Output, Span | None]:
        outputs = [item for item in self.cell.statements if isinstance(item, tree.Output)]
        for extra in outputs[1:]:
            self.findings.add(
                "NAS312",
                extra.span,
                f"the cell `{self.cell.kind.text}` has two outputs",
                label="a second output",
                secondary=(Label(outputs[0].span, "the first is here"),),
            )
        if not outputs or outputs[0].kind.text == "unused":
            return UNUSED, outputs[0].span if outputs else None
        output = outputs[0]
        kind: Any = output.kind.text
        if not output.states:
            self.findings.add(
                "NAS305",
                output.span,
                "the output names nothing",
                label="expected at least one state",
                hints=("`output unused` takes every block that no block reads",),
            )
        states = [state for atom in output.states if (state := self._output_state(atom))]
        if output.states and all(isinstance(atom, tree.State) for atom in output.states):
            self.findings.add(
                "NAS305",
                output.span,
                "the output names no block, so the cell computes nothing",
                label="expected at least one block",
                hints=("`output unused` takes every block that no block reads",),
            )
        self._refuse_repeats(output)
        return Output(kind, tuple(states)), output.span

    def _output_state(self, atom: tree.Atom) -> State | None:
        if isinstance(atom, tree.State):
            return self.hidden_state(atom)
        if is_poison(atom):
            return None
        state = self.earlier.get(atom.text)
        if state is None:
            hints, fixes = misspelt(atom.span, nearest(atom.text, self.earlier))
            self.findings.add(
                "NAS305",
                atom.span,
                f"the output names `{atom.text}`, which is nothing of this cell",
                label="not a block of this cell",
                hints=hints or (f"its states are {listed(map(str, self.known))}",),
                fixes=fixes,
            )
        return state

    def _refuse_repeats(self, output: tree.Output) -> None:
        seen: dict[str, Span] = {}
        for atom in output.states:
            text = "".join(atom.text.split())
            if text in seen and not is_poison(atom):
                self.findings.add(
                    "NAS306",
                    atom.span,
                    f"the output names `{atom.text}` twice",
                    label="named again here",
                    secondary=(Label(seen[text], "first named here"),),
                )
            seen.setdefault(text, atom.span)
