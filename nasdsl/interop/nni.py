"""NNI: `{'normal/op_2_0': 'sep_conv_3x3', 'normal/input_2_0': [0], ...}` and what came before it.

The dictionary is JSON or Python. Mirrors microsoft/nni, nni/nas/hub/pytorch/nasnet.py: state 0 is
h[i-1], state 1 is h[i], blocks from 2. The dictionary does not say which states are concatenated:
its DARTS and PNAS spaces concatenate every block, the others what no block reads (`loose_end`).

NNI 1 and 2 exported their two examples, examples/nas/darts and examples/nas/enas: `normal_n3_p0`
is the op of node 3 on state 0 and `normal_n3_switch` are the two that count; `normal_node_0_x_op`
and `normal_node_0_x_input` are the first operand of a block of ENAS's micro space. Ops and states
stand there by name, by number, or as a list of true and false.
"""

import ast
import json
import re
from collections.abc import Callable, Sequence
from functools import partial

from nasdsl.errors import CellError, Diagnostic, Span
from nasdsl.interop import enas
from nasdsl.interop.dialect import (
    Dialect,
    both_cells,
    cannot_hold,
    cell_of,
    concatenated,
    not_carried,
)
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name, name_before
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, Python, enclosed, pythons
from nasdsl.interop.named_nodes import named_nodes
from nasdsl.language.genotype.types import UNUSED, Block, BlockState, Cell, Genotype

_SAME = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5"),
    *("sep_conv_7x7", "dil_conv_3x3", "dil_conv_5x5", "dil_sep_conv_3x3", "conv_1x1", "conv_3x3"),
    *("conv_3x1_1x3", "conv_7x1_1x7", "max_pool_5x5", "max_pool_7x7"),
)
DIALECT = Dialect("NNI", "nni", {name: name for name in _SAME}, "darts")
# The ops of the old examples in their order, which is what a number means.
_DARTS_OPS = {
    "maxpool": "max_pool_3x3",
    "avgpool": "avg_pool_3x3",
    "skipconnect": "skip_connect",
    "sepconv3x3": "sep_conv_3x3",
    "sepconv5x5": "sep_conv_5x5",
    "dilconv3x3": "dil_conv_3x3",
    "dilconv5x5": "dil_conv_5x5",
}
OLD_DARTS = Dialect("NNI's DARTS", "darts", {**_DARTS_OPS, "none": "none"}, "darts")
OLD_ENAS = enas.DIALECT
_KINDS = {"normal": "normal", "reduce": "reduction"}
_KEY = re.compile(r"(normal|reduce)/(op|input)_([0-9]{1,3})_([01])")
_OLD_DARTS_KEY = re.compile(r"(normal|reduce)_n([0-9]{1,3})_(?:p([0-9]{1,3})|switch)")
_OLD_ENAS_KEY = re.compile(r"(normal|reduce)_node_([0-9]{1,3})_([xy])_(op|input)")
_OLD_MACRO_KEY = re.compile(r"layer_[0-9]{1,3}(?:_\w{1,20})?")
#: Blocks of the spaces that concatenate every block: DARTS has four.
_DARTS_BLOCKS = 4
_INPUTS = 2


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every dictionary of decisions in the text.

    Raises:
        CellError: there is none (NAS651).
    """
    try:
        texts = [enclosed(foreign)]
    except CellError:
        texts = pythons(foreign, r"\{\s*[\"'](?:normal|reduce|layer)")
    found = [
        Entry(
            named.name or name_before(foreign.text, python.span(named.at).start),
            python.span(named.at),
            partial(_genotype, python, named.node),
            named.path,
            identity=python.span(named.node),
        )
        for python in texts
        for named in named_nodes(python.tree, _has_decisions)
    ]
    if not found:
        raise foreign.cell_error("NAS651", "there is no dictionary of NNI's decisions in the text")
    return found


def _has_decisions(node: ast.expr) -> bool:
    if not isinstance(node, ast.Dict):
        return False
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return any(
        isinstance(key, str) and (_format_of_key(key) is not None or key.startswith("normal/"))
        for key in keys
    )


def _format_of_key(key: str) -> "Callable[[Foreign, dict[str, LiteralValue]], list[Cell]] | None":
    """What reads the dictionary in which a key stands; None where the key is of none."""
    if _KEY.fullmatch(key):
        return _cells
    if _OLD_DARTS_KEY.fullmatch(key):
        return _old_darts_cells
    if _OLD_ENAS_KEY.fullmatch(key):
        return _old_enas_cells
    return _macro if _OLD_MACRO_KEY.fullmatch(key) else None


def _genotype(python: Python, node: ast.expr, foreign: Foreign, name: str) -> Genotype:
    pairs = python.value(node).data
    assert isinstance(pairs, dict)
    readers = [reader for key in pairs if (reader := _format_of_key(key)) is not None]
    read = readers[0] if readers else _cells
    old = OLD_DARTS if read is _old_darts_cells else OLD_ENAS
    dialect = DIALECT if read is _cells else old
    return dialect.genotype(genotype_name(name, "nni_cell"), read(foreign, pairs))


# -- NNI 3 -----------------------------------------------------------------------------------


def _cells(foreign: Foreign, pairs: dict[str, LiteralValue]) -> list[Cell]:
    found: dict[tuple[str, str, int, int], LiteralValue] = {}
    for key, value in pairs.items():
        match = _KEY.fullmatch(key)
        if match is None:
            if "/" in key or key.startswith(("normal", "reduce")):
                text = f"{key[:60]!r} is not a decision of a cell"
                raise foreign.cell_error("NAS651", text, value.span)
            foreign.note(f"{key[:60]!r} is not a part of a cell", value.span)
            continue
        kind, what, node, operand = match.groups()
        found[kind, what, int(node), int(operand)] = value
    return [_cell(foreign, kind, found) for kind in _KINDS]


def _cell(
    foreign: Foreign, kind: str, found: dict[tuple[str, str, int, int], LiteralValue]
) -> Cell:
    nodes = {node for name, _, node, _ in found if name == kind}
    if not nodes:
        raise foreign.cell_error("NAS651", f"there is no `{kind}/op_2_0`: the cell is missing")
    blocks: list[Block] = []
    for node in range(_INPUTS, max(nodes) + 1):
        inputs, ops = [], []
        for operand in (0, 1):
            for what in ("op", "input"):
                if (kind, what, node, operand) not in found:
                    text = f"`{kind}/{what}_{node}_{operand}` is missing"
                    raise foreign.cell_error("NAS651", text)
            op, state = (found[kind, what, node, operand] for what in ("op", "input"))
            ops.append(DIALECT.op(foreign, op.data, op.span))
            index, span = _index(foreign, state)
            inputs.append(DIALECT.state(foreign, index, len(blocks), span))
        blocks.append(Block(f"b{len(blocks)}", (inputs[0], inputs[1]), (ops[0], ops[1]), "add"))
    every = len(blocks) <= _DARTS_BLOCKS
    which = "every block" if every else "every block that no block reads"
    foreign.note(
        f"what the {_KINDS[kind]} cell concatenates is not said; here it is {which}",
        None,
        "NNI's DARTS and PNAS spaces concatenate every block, its others the unread ones",
    )
    if every:
        return cell_of(_KINDS[kind], blocks, [BlockState(block.name) for block in blocks])
    return Cell("normal" if kind == "normal" else "reduction", tuple(blocks), UNUSED)


def _index(foreign: Foreign, value: LiteralValue) -> tuple[int, Span]:
    """A state's number, alone or in a list of one."""
    inner = value
    if isinstance(value.data, list) and len(value.data) == 1:
        (inner,) = value.data
    if type(inner.data) is not int:
        raise foreign.cell_error("NAS651", "an input is the number of one state", value.span)
    return inner.data, inner.span


# -- NNI 1 and 2 -------------------------------------------------------------------------------


def _old_darts_cells(foreign: Foreign, pairs: dict[str, LiteralValue]) -> list[Cell]:
    return [_old_darts_cell(foreign, kind, pairs) for kind in _KINDS]


def _old_darts_cell(foreign: Foreign, kind: str, pairs: dict[str, LiteralValue]) -> Cell:
    nodes = _nodes(foreign, kind, pairs, _OLD_DARTS_KEY, f"{kind}_n2_p0", _INPUTS)
    blocks: list[Block] = []
    for node in nodes:
        edges = [f"{kind}_n{node}_p{state}" for state in range(node)]
        switch = _required_value(foreign, pairs, f"{kind}_n{node}_switch")
        chosen = _indices_of(foreign, switch, edges)
        if len(chosen) != 2:
            text = f"the switch of node {node} leaves {len(chosen)} edges, and a block has two"
            raise foreign.cell_error("NAS651", text, switch.span)
        inputs, ops = [], []
        for state in sorted(chosen):
            value = _required_value(foreign, pairs, edges[state])
            inputs.append(OLD_DARTS.state(foreign, state, len(blocks), value.span))
            ops.append(_old_op(foreign, OLD_DARTS, value, list(_DARTS_OPS)))
        blocks.append(Block(f"b{len(blocks)}", (inputs[0], inputs[1]), (ops[0], ops[1]), "add"))
    return cell_of(_KINDS[kind], blocks, [BlockState(block.name) for block in blocks])


def _old_enas_cells(foreign: Foreign, pairs: dict[str, LiteralValue]) -> list[Cell]:
    return [_old_enas_cell(foreign, kind, pairs) for kind in _KINDS]


def _old_enas_cell(foreign: Foreign, kind: str, pairs: dict[str, LiteralValue]) -> Cell:
    nodes = _nodes(foreign, kind, pairs, _OLD_ENAS_KEY, f"{kind}_node_0_x_op", 0)
    # The first two states have no names in NNI.
    names = ["", "", *(f"{kind}_node_{node}" for node in nodes)]
    blocks: list[Block] = []
    for node in nodes:
        inputs, ops = [], []
        for operand in "xy":
            value = _required_value(foreign, pairs, f"{kind}_node_{node}_{operand}_input")
            chosen = _indices_of(foreign, value, names[: node + _INPUTS])
            if len(chosen) != 1:
                text = "an operand reads one state"
                hint = "the two inputs have no names in NNI; an export by number tells them apart"
                raise foreign.cell_error("NAS651", text, value.span, "", hint)
            inputs.append(OLD_ENAS.state(foreign, chosen[0], len(blocks), value.span))
            op = _required_value(foreign, pairs, f"{kind}_node_{node}_{operand}_op")
            ops.append(_old_op(foreign, OLD_ENAS, op, list(OLD_ENAS.ops)))
        blocks.append(Block(f"b{len(blocks)}", (inputs[0], inputs[1]), (ops[0], ops[1]), "add"))
    return cell_of(_KINDS[kind], blocks, enas.unread_states(tuple(blocks)))


def _macro(foreign: Foreign, pairs: dict[str, LiteralValue]) -> list[Cell]:
    text = "this is an architecture of NNI's ENAS macro space, which has layers and no cells"
    raise foreign.cell_error("NAS651", text, None, "", "exports of its micro space are read")


def _nodes(
    foreign: Foreign,
    kind: str,
    pairs: dict[str, LiteralValue],
    form: "re.Pattern[str]",
    first: str,
    start: int,
) -> range:
    """The numbers of a cell's nodes; what is not a part of a cell is said to be left out."""
    found = []
    for key, value in pairs.items():
        match = form.fullmatch(key)
        if match is None and not key.startswith(("normal", "reduce")):
            if kind == "normal":
                foreign.note(f"{key[:60]!r} is not a part of a cell", value.span)
        elif match is None:
            text = f"{key[:60]!r} is not a decision of a cell"
            raise foreign.cell_error("NAS651", text, value.span)
        elif match[1] == kind:
            found.append(int(match[2]))
    if not found:
        raise foreign.cell_error("NAS651", f"there is no `{first}`: the cell is missing")
    return range(start, max(found) + 1)


def _required_value(foreign: Foreign, pairs: dict[str, LiteralValue], key: str) -> LiteralValue:
    if key not in pairs:
        raise foreign.cell_error("NAS651", f"`{key}` is missing")
    return pairs[key]


def _indices_of(foreign: Foreign, value: LiteralValue, names: Sequence[str]) -> list[int]:
    """Which of the names are meant: by name, by number, or by true and false."""
    parts = value.data if isinstance(value.data, list) else [value]
    if len(parts) == len(names) and all(isinstance(part.data, bool) for part in parts):
        return [at for at, part in enumerate(parts) if part.data]
    found: list[int] = []
    for part in parts:
        if isinstance(part.data, str) and part.data in names:
            found += [at for at, name in enumerate(names) if name == part.data]
        elif type(part.data) is int and 0 <= part.data < len(names):
            found.append(part.data)
        else:
            text = f"this is neither one of {len(names)} names nor the number of one"
            raise foreign.cell_error("NAS653", text, part.span)
    return found


def _old_op(foreign: Foreign, dialect: Dialect, value: LiteralValue, order: Sequence[str]) -> str:
    """Our name of an op: by name, by number, or by true and false."""
    if (
        isinstance(value.data, list)
        and len(value.data) == 1
        and not isinstance(value.data[0].data, bool)
    ):
        (value,) = value.data
    if isinstance(value.data, list):
        which = _indices_of(foreign, value, order) if value.data else []
        if len(which) != 1:
            raise foreign.cell_error("NAS651", "an edge has one op", value.span)
        return dialect.op(foreign, order[which[0]], value.span)
    if type(value.data) is int and 0 <= value.data < len(order):
        return dialect.op(foreign, order[value.data], value.span)
    return dialect.op(foreign, value.data, value.span)


# -- writing -----------------------------------------------------------------------------------


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The dictionary as JSON.

    Raises:
        CellError: NAS654 for what NNI cannot say.
    """
    names = DIALECT.op_names(genotype)
    made: dict[str, object] = {}
    losses = DIALECT.losses(genotype)
    for kind, cell in zip(_KINDS, both_cells("NNI", genotype), strict=True):
        states = set(concatenated("NNI", cell))
        every = {BlockState(block.name) for block in cell.blocks}
        unread = every - {state for block in cell.blocks for state in block.inputs}
        wanted = every if len(cell.blocks) <= _DARTS_BLOCKS else unread
        if states not in (every, unread):
            what = f"the output of the {cell.kind} cell: all blocks, or those no block reads"
            raise CellError((cannot_hold("NNI", what),))
        if states != wanted:
            text = f"what the {cell.kind} cell concatenates is not in the dictionary"
            losses.append(not_carried(text))
        for node, block in enumerate(cell.blocks, 2):
            for operand in (0, 1):
                made[f"{kind}/op_{node}_{operand}"] = names[block.ops[operand]]
                index = DIALECT.index(cell, block.inputs[operand])
                made[f"{kind}/input_{node}_{operand}"] = [index]
    return json.dumps(made, indent=2) + "\n", losses


FORMAT = Format(
    title="the dictionary of NNI 3, and exports of NNI 1 and 2",
    sign=(
        r"[\"'](normal|reduce)(/(op|input)_|_n[0-9]{1,3}_(p[0-9]|switch)|_node_[0-9]{1,3}_[xy]_)"
    ),
    find=find,
    write=write,
)
