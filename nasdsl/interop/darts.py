"""DARTS: `Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=[2, 3, 4, 5], ...)`.

Mirrors quark0/darts, cnn/genotypes.py and model.py: state 0 is h[i-1], state 1 is h[i], blocks
follow; two edges a block, added; `none` is zero. Other writers of the same cells are read too:
the two edges of a block in a tuple of their own (D-X-Y/AutoDL-Projects), a weight beside each
edge, and edges that say where they lead, (op, to, from), of which a state may have any number
(FairDARTS). A state with n edges is a sum, which n - 1 blocks add up. aw_nas numbers its cells,
`normal_0` and `reduce_1`, and writes (op, from, to); Vega has the edges and the concatenation of a
cell in a dictionary of the cell. The ops of both are DARTS's. Genotypes with more fields
than DARTS's four, whose networks are others, are not read unless those fields are None.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from keyword import iskeyword

from nasdsl.errors import Diagnostic
from nasdsl.interop.darts_edges import INPUTS, MAX_STATES, edges_of_states
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
#: A field of aw_nas, whose cells have numbers.
_NUMBERED = re.compile(r"(normal|reduce)_\d+(_concat)?")
#: Where a dictionary of a cell has what DARTS calls `normal` and `normal_concat`.
_PARTS = {"": "genotype", "_concat": "concat"}


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
    is_numbered = any(map(_NUMBERED.fullmatch, fields.values))
    if is_numbered:
        fields = _without_numbers(foreign, fields)
    values = _values_of_cells(fields) or _values(foreign, fields)
    cells = [
        _cell(foreign, kind, values[field], values[f"{field}_concat"], is_numbered)
        for field, kind in _KINDS.items()
    ]
    return DIALECT.genotype(genotype_name(name, "darts_cell"), cells)


def _without_numbers(foreign: Foreign, fields: Fields) -> Fields:
    """The fields of aw_nas under DARTS's names.

    Raises:
        CellError: there are several cells of a kind (NAS651).
    """
    values: dict[str, ast.expr | LiteralValue] = {}
    places = {}
    for name, given in fields.values.items():
        match = _NUMBERED.fullmatch(name)
        plain = match[1] + (match[2] or "") if match else name
        if plain in values:
            text = f"a network of DARTS has one {_KINDS[plain.removesuffix('_concat')]} cell"
            raise foreign.cell_error("NAS651", text, fields.places[name], "", "this is one more")
        values[plain], places[plain] = given, fields.places[name]
    return replace(fields, values=values, places=places)


def _values_of_cells(fields: Fields) -> dict[str, LiteralValue] | None:
    """The four fields, from a dictionary for each cell; None where there are none."""
    cells = [
        (field, _value(fields, given))
        for field, given in fields.values.items()
        if field in _KINDS and isinstance(given, ast.Dict | LiteralValue)
    ]
    found = {
        f"{field}{ending}": cell.data[part]
        for (field, cell), (ending, part) in product(cells, _PARTS.items())
        if isinstance(cell.data, dict) and part in cell.data
    }
    return found if found.keys() == set(FIELDS) else None


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


def _cell(
    foreign: Foreign, kind: str, edges: LiteralValue, concat: LiteralValue, target_last: bool
) -> Cell:
    blocks: list[Block] = []
    states: list[State | None] = [hidden(1), hidden(0)]
    nodes = edges_of_states(foreign, kind, edges, target_last)
    for node in nodes:
        operands = []
        for edge in node:
            DIALECT.state(foreign, edge.state, len(states) - INPUTS, edge.span)
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
        last = max((index for index, _ in kept if index < MAX_STATES), default=0)
        states += [None] * (last + 1 - len(states))
    for index, span in kept:
        DIALECT.state(foreign, index, len(states) - INPUTS, span)
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
    # Python has words of its own, such as `lambda`; a reader drops the underscore.
    name = f"{genotype.name}_" if iskeyword(genotype.name) else genotype.name
    text = "\n".join([f"{name} = Genotype(", *lines, ")"]) + "\n"
    return text, DIALECT.losses(genotype)


def _block_lines(edges: list[str]) -> list[str]:
    """Two edges a line: a block."""
    return [", ".join(edges[at : at + 2]) for at in range(0, len(edges), 2)]


FORMAT = Format(
    title="Genotype(...) of DARTS and its family",
    sign=(
        r"Genotype\s*\(|\b(normal|reduce)_concat[\"']?\s*:"
        r"|\bnormal[\"']\s*:\s*\{[^{}]{0,500}[\"']genotype[\"']\s*:"
    ),
    find=find,
    write=write,
)
