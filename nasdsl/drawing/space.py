"""Spaces as sketches: holes drawn as choices.

Purpose: what is pinned looks as in a genotype; what is open is dashed and says what may
stand there. Inputs that are open have a box of their own that lists the states, because a
line from each of them would bury the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nasdsl.drawing.cell import MAX_BLOCKS, TITLES, input_stroke, output_id, output_units
from nasdsl.drawing.lettering import name_lines
from nasdsl.drawing.sketch import Box, Sketch, Unit, Wire, op_look
from nasdsl.language.genotype.types import (
    CELL_KINDS,
    BlockSpace,
    BlockState,
    CellSpace,
    Hidden,
    Space,
    State,
)
from nasdsl.report.digits import every_digit
from nasdsl.report.visible import shortened, visible
from nasdsl.space import count

#: Options that a box lists; more are counted and listed below the picture.
_LISTED = 3
_NOTE_LENGTH = 110


def space_sketches(space: Space) -> tuple[tuple[Sketch, ...], tuple[str, ...]]:
    """A sketch of each cell, and notes: what open ops may be, how many genotypes there are."""
    cells = sorted(space.cells, key=lambda cell: CELL_KINDS.index(cell.kind))
    sets = _op_sets(cells)
    sketches = tuple(_Cell(space, cell, sets).sketch(len(cells) > 1) for cell in cells)
    notes = [line for ops, name in sets.items() for line in _listed(name, ops)]
    size = count(space)
    return sketches, (*notes, f"{_number(size)} {'genotype' if size == 1 else 'genotypes'}")


def _op_sets(cells: Sequence[CellSpace]) -> dict[tuple[str, ...], str]:
    """The long lists of ops that fields are open to, each with a name."""
    found = {
        ops: ""
        for cell in cells
        for block in cell.blocks
        for ops in block.ops
        if len(ops) > _LISTED
    }
    if len(found) == 1:
        return {ops: f"{len(ops)} ops" for ops in found}
    return {ops: f"{len(ops)} ops ({_letter(k)})" for k, ops in enumerate(found)}


def _letter(k: int) -> str:
    return chr(ord("A") + k) if k < 26 else str(k + 1)


def _listed(name: str, ops: tuple[str, ...]) -> Iterator[str]:
    """`13 ops: identity, conv 1x1, ...` on as many lines as it takes."""
    line = f"{name}:"
    for k, op in enumerate(ops):
        word = _plain(op) + ("," if k < len(ops) - 1 else "")
        if len(line) + len(word) >= _NOTE_LENGTH:
            yield line
            line = word
        else:
            line += f" {word}"
    yield line


def _plain(name: str) -> str:
    return " ".join(name_lines(name))


def _number(number: int) -> str:
    """In full up to ten million, else as 5.23 x 10^36."""
    if number < 10**7:
        return f"{number:,}"
    with every_digit():
        digits = str(number)
    lead = (int(digits[:4]) + 5) // 10
    exponent = len(digits) - 1
    if lead == 1000:
        lead, exponent = 100, exponent + 1
    return f"about {lead / 100:.2f} \u00d7 10^{exponent}"


@dataclass
class _Cell:
    """One cell on its way to a sketch."""

    space: Space
    cell: CellSpace
    op_sets: dict[tuple[str, ...], str]
    inputs: dict[str, Unit] = field(default_factory=dict)
    choices: list[Unit] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def sketch(self, titled: bool) -> Sketch:
        kind = self.cell.kind
        title = TITLES[kind] if titled else ""
        blocks = [self.block(k, block) for k, block in enumerate(self._blocks)]
        self.outputs()
        label = "each" if self.cell.output.kind == "each" else "concat"
        outputs = output_units(kind, label, len(self.cell.output.states))
        inputs = sorted(self.inputs.values(), key=lambda unit: (len(unit.id), unit.id))
        units = (*inputs, *self.choices, *blocks, *outputs)
        return Sketch(kind, title, units, tuple(self.wires))

    @property
    def _blocks(self) -> tuple[BlockSpace, ...]:
        return self.cell.blocks[:MAX_BLOCKS]

    def block(self, index: int, block: BlockSpace) -> Unit:
        id = f"{self.cell.kind}.b{index}"
        feet = []
        for side, word in enumerate(("left", "right")):
            op = f"{id}.{word}"
            self.input(op, block.inputs[side])
            feet.append(self.op(op, block.ops[side]))
            self.wires.append(Wire(op, id))
        name = visible(shortened(block.name, 12))
        head = Box(id, (name, *_options(block.combines)), "combine")
        if len(block.combines) > 1:
            head = Box(id, head.lines, "open_combine")
        return Unit(f"{id}.block", "block", tuple(feet), head)

    def input(self, op: str, states: tuple[State, ...]) -> None:
        if len(states) == 1:
            self.wire(states[0], op)
            return
        id = f"{op}.input"
        self.choices.append(Unit(id, "input", (Box(id, tuple(self.states(states)), "choice"),)))
        self.wires.append(Wire(id, op, "may"))

    def wire(self, state: State, head: str, *, may: bool = False) -> None:
        kind = self.cell.kind
        if isinstance(state, Hidden):
            id = f"{kind}.{state}"
            self.inputs.setdefault(id, Unit(id, "input", (Box(id, (str(state),), "input"),)))
            self.wires.append(Wire(id, head, "may" if may else input_stroke(state.back)))
        elif state in self._index and self._index[state] < MAX_BLOCKS:
            tail = f"{kind}.b{self._index[state]}"
            self.wires.append(Wire(tail, head, "may" if may else "plain"))

    @property
    def _index(self) -> dict[State, int]:
        return {BlockState(block.name): k for k, block in enumerate(self.cell.blocks)}

    def states(self, states: tuple[State, ...]) -> Iterator[str]:
        """States as the lines of a choice, runs of neighbours shortened to `b0 to b3`."""
        given = [state for state in states if isinstance(state, Hidden)]
        made = [state for state in states if isinstance(state, BlockState)]
        for run in (given, made):
            names = [visible(shortened(str(state), 12)) for state in run]
            places = [
                state.back if isinstance(state, Hidden) else self._index[state] for state in run
            ]
            together = places == list(range(places[0], places[0] + len(run))) if run else False
            if len(names) > 2 and together:
                yield f"{names[0]} to {names[-1]}"
            elif len(names) > _LISTED:
                yield f"any of {len(names)}"
            else:
                yield from names

    def op(self, id: str, ops: tuple[str, ...]) -> Box:
        if len(ops) == 1:
            return Box(id, name_lines(ops[0]), op_look(ops[0], self.space.vocabulary))
        if len(ops) > _LISTED:
            return Box(id, ("any of", *self.op_sets[ops].split(" (", 1)[:1]), "open")
        return Box(id, _options(ops), "open")

    def outputs(self) -> None:
        kind, output = self.cell.kind, self.cell.output
        if output.kind != "unused":
            for slot, state in enumerate(output.states):
                self.wire(state, output_id(kind, slot if output.kind == "each" else 0))
            return
        fields = [states for block in self.cell.blocks for states in block.inputs]
        read = {states[0] for states in fields if len(states) == 1}
        perhaps = {state for states in fields for state in states}
        for block in self._blocks:
            state = BlockState(block.name)
            if state not in read:
                self.wire(state, output_id(kind, 0), may=state in perhaps)


def _options(names: tuple[str, ...]) -> tuple[str, ...]:
    """Options one per line, `or` between them; more than a few are counted."""
    if len(names) == 1:
        return name_lines(names[0])
    if len(names) > _LISTED:
        return ("any of", str(len(names)))
    plain = [_plain(name) for name in names]
    return (*(f"{name} or" for name in plain[:-1]), plain[-1])
