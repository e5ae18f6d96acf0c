"""DARTS: `Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=[2, 3, 4, 5], ...)`.

Mirrors quark0/darts, cnn/genotypes.py and model.py: state 0 is h[i-1], state 1 is h[i], blocks
follow; two edges a block, added; `none` is zero. Other writers of the same cells are read too:
the two edges of a block in a tuple of their own (D-X-Y/AutoDL-Projects), a weight beside each
edge, and edges that say where they lead, (op, to, from), of which a state may have any number
(FairDARTS). A state with n edges is a sum, which n - 1 blocks add up. Genotypes with more fields
than DARTS's four, whose networks are others, are not read unless those fields are None.
"""

import ast
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from nasdsl.errors import Diagnostic, Span
from nasdsl.interop.darts_texts import FIELDS, Fields, GenotypePlace, places
from nasdsl.interop.dialect import Dialect, both_cells, cell_of, concatenated
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, numbers
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, State, hidden

_SAME = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5"),
    *("dil_conv_3x3", "dil_conv_5x5", "sep_conv_7x7", "conv_7x1_1x7"),
)
DIALECT = Dialect("DARTS", "darts", {name: name for name in _SAME}, "darts")
_KINDS = {"normal": "normal", "reduce": "reduction"}
_INPUTS = 2
#: Of a cell whose edges say where they lead; those to which none leads count as well.
_MAX_STATES = 1_000


class _Edge(NamedTuple):
    """An op on a state, and the state it leads to where that is written."""

    op: object
    state: int
    span: Span
    target: int | None = None


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every genotype of the text under each of its names.

    Raises:
        CellError: there is none (NAS651).
    """
    return [
        Entry(
            place.path.rpartition(".")[2],
            place.span,
            partial(_genotype, place),
            place.path,
            place.identity,
        )
        for place in places(foreign)
    ]


def _genotype(place: GenotypePlace, foreign: Foreign, name: str) -> Genotype:
    fields = place.fields(foreign)
    values = _values(foreign, fields)
    cells = [
        _cell(foreign, kind, values[field], values[f"{field}_concat"])
        for field, kind in _KINDS.items()
    ]
    return DIALECT.genotype(genotype_name(name, "darts_cell"), cells)


def _values(foreign: Foreign, fields: Fields) -> dict[str, LiteralValue]:
    """The four fields; others may be None.

    Raises:
        CellError: one is missing or has no value, or another is there (NAS651).
    """
    if "recurrent" in fields.values:
        text = "this is a recurrent cell of DARTS, for language models; it has no convolutions"
        raise foreign.cell_error("NAS651", text, fields.span, "", "convolutional cells are read")
    left_out = []
    for name, given in fields.values.items():
        if name in FIELDS:
            continue
        if not _is_none(given):
            text = f"a genotype of DARTS has no field {name[:60]!r}"
            hint = f"its fields are {', '.join(FIELDS)}; others may be None"
            raise foreign.cell_error("NAS651", text, fields.places[name], "", hint)
        left_out.append(f"`{name[:60]}`")
    for given in fields.extra:
        if not _is_none(given):
            text = "a genotype of DARTS has four fields, and this is one more"
            place = fields.python.span(given) if fields.python else fields.span
            raise foreign.cell_error("NAS651", text, place)
        left_out.append("one without a name")
    for name in FIELDS:
        if name not in fields.values:
            raise foreign.cell_error("NAS651", f"`{name}` is missing", fields.span)
    if left_out:
        text = f"fields that are None are left out: {', '.join(left_out)}"
        foreign.note(text, fields.span)
    return {name: _value(fields, fields.values[name]) for name in FIELDS}


def _is_none(given: ast.expr | LiteralValue) -> bool:
    match given:
        case LiteralValue(data=None) | ast.Constant(value=None) | ast.Name(id="null"):
            return True
    return False


def _value(fields: Fields, given: ast.expr | LiteralValue) -> LiteralValue:
    if isinstance(given, LiteralValue):
        return given
    assert fields.python is not None
    return fields.python.value(given)


def _cell(foreign: Foreign, kind: str, edges: LiteralValue, concat: LiteralValue) -> Cell:
    blocks: list[Block] = []
    states: list[State | None] = [hidden(1), hidden(0)]
    nodes = _nodes(foreign, kind, edges)
    for node in nodes:
        operands = []
        for edge in node:
            DIALECT.state(foreign, edge.state, len(states) - _INPUTS, edge.span)
            op = DIALECT.op(foreign, edge.op, edge.span)
            source = states[edge.state]
            if source is None:
                text = f"an edge of the {kind} cell is left out: nothing leads to its state"
                foreign.note(text, edge.span)
            else:
                operands.append((source, op))
        states.append(_sum(blocks, operands) if operands else None)
    kept = numbers(foreign, concat, f"the concatenation of the {kind} cell")
    if any(edge.target is not None for node in nodes for edge in node):
        last = max((index for index, _ in kept if index < _MAX_STATES), default=0)
        states += [None] * (last + 1 - len(states))
    for index, span in kept:
        DIALECT.state(foreign, index, len(states) - _INPUTS, span)
    there = [(states[index], span) for index, span in kept]
    absent = [span for state, span in there if state is None]
    if absent:
        text = f"the {kind} cell concatenates no state to which no edge leads"
        foreign.note(text, absent[0])
    return cell_of(kind, blocks, [state for state, _ in there if state is not None])


def _sum(blocks: list[Block], operands: Sequence[tuple[State, str]]) -> State:
    """The state that adds ops of states, with the blocks that it takes appended."""

    def block(left: tuple[State, str], right: tuple[State, str]) -> State:
        inputs, ops = (left[0], right[0]), (left[1], right[1])
        blocks.append(Block(f"b{len(blocks)}", inputs, ops, "add"))
        return BlockState(blocks[-1].name)

    first, *rest = operands
    if not rest:
        return block(first, (first[0], "none"))
    total = block(first, rest[0])
    for operand in rest[1:]:
        total = block((total, "skip_connect"), operand)
    return total


def _nodes(foreign: Foreign, kind: str, value: LiteralValue) -> list[list[_Edge]]:
    """The edges of a cell, those of each state together."""
    edges, groups = _edges(foreign, value)
    if any(edge.target is not None for edge in edges):
        return _by_target(foreign, kind, value, edges)
    if len(edges) % 2:
        text = "a block has two edges, and their number is odd"
        raise foreign.cell_error("NAS651", text, value.span)
    if groups and {len(group) for group in groups} | {2 * len(groups)} != {2, len(edges)}:
        text = "the edges stand in groups, and not each of them has two"
        raise foreign.cell_error("NAS651", text, value.span, "", "a block has two edges")
    return [edges[at : at + 2] for at in range(0, len(edges), 2)]


def _by_target(
    foreign: Foreign, kind: str, value: LiteralValue, edges: Sequence[_Edge]
) -> list[list[_Edge]]:
    """The edges of (op, to, from), by where they lead; none for a state to which none leads.

    xiaomi-automl/FairDARTS, fairdarts/model.py, builds no such state, and leaves out what reads it.
    """
    found: dict[int, list[_Edge]] = {}
    for edge in edges:
        if edge.target is None:
            text = "this edge does not say where it leads, and others do"
            raise foreign.cell_error("NAS651", text, edge.span, "", "they are (op, to, from)")
        if edge.target < _INPUTS or edge.state >= edge.target:
            text = f"the edge leads from state {edge.state} to state {edge.target}"
            hint = "an edge is (op, to, from), and leads to a later state that is not an input"
            raise foreign.cell_error("NAS653", text, edge.span, "", hint)
        found.setdefault(edge.target, []).append(edge)
    last = max(found)
    if last >= _MAX_STATES:
        text = f"the {kind} cell has no state {last}; there are at most {_MAX_STATES}"
        raise foreign.cell_error("NAS653", text, found[last][0].span)
    return [found.get(target, []) for target in range(_INPUTS, last + 1)]


def _edges(foreign: Foreign, value: LiteralValue) -> tuple[list[_Edge], list[list[LiteralValue]]]:
    """The edges of a cell without their weights, and the lists in which some stand together."""
    todo = [value] if not isinstance(value.data, list) else value.data[::-1]
    found: list[_Edge] = []
    groups: list[list[LiteralValue]] = []
    weighted = None
    while todo:
        part = todo.pop()
        match part.data:
            case [LiteralValue(data=list() as first), *_] as inner:
                todo += inner[::-1]
                groups += [] if first and isinstance(first[0].data, list) else [inner]
            case [op, LiteralValue(data=int() as state)] if type(state) is int:
                found.append(_Edge(op.data, state, part.span))
            case [op, LiteralValue(data=int() as state), LiteralValue(data=float())] if (
                type(state) is int
            ):
                found.append(_Edge(op.data, state, part.span))
                weighted = weighted or part
            case [op, LiteralValue(data=int() as target), LiteralValue(data=int() as state)] if (
                type(target) is int and type(state) is int
            ):
                found.append(_Edge(op.data, state, part.span, target))
            case [_, state_value]:
                raise foreign.cell_error(
                    "NAS651", "the state of an edge is a number", state_value.span
                )
            case _:
                text = "an edge is a pair of an op and a state"
                hint = "(op, state, weight) and (op, to, from) are read, too"
                raise foreign.cell_error("NAS651", text, part.span, "", hint)
    if weighted is not None:
        foreign.note("the weights of the edges are left out", weighted.span)
    return found, groups


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """A line of Python that assigns the genotype.

    Raises:
        CellError: NAS654 for what DARTS cannot say.
    """
    names = DIALECT.op_names(genotype)
    lines = []
    for field, cell in zip(_KINDS, both_cells("DARTS", genotype), strict=True):
        edges = [
            f"({names[op]!r}, {DIALECT.index(cell, state)})"
            for block in cell.blocks
            for op, state in zip(block.ops, block.inputs, strict=True)
        ]
        states = sorted(DIALECT.index(cell, state) for state in concatenated("DARTS", cell))
        lines += [f"    {field}=[", *(f"        {pair}," for pair in _block_lines(edges)), "    ],"]
        lines.append(f"    {field}_concat={states},")
    text = "\n".join([f"{genotype.name} = Genotype(", *lines, ")"]) + "\n"
    return text, DIALECT.losses(genotype)


def _block_lines(edges: list[str]) -> list[str]:
    """Two edges a line: a block."""
    return [", ".join(edges[at : at + 2]) for at in range(0, len(edges), 2)]


FORMAT = Format(
    title="Genotype(...) of DARTS and its family",
    sign=r"Genotype\s*\(|\b(normal|reduce)_concat[\"']?\s*:",
    find=find,
    write=write,
)
