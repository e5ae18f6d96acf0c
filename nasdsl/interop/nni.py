"""NNI 3: `{'normal/op_2_0': 'sep_conv_3x3', 'normal/input_2_0': [0], ...}`.

Purpose: read the dictionary, as JSON or as Python; write it as JSON.
Non-goals: older forms (`normal_n2_p0`, boolean masks), which name other things.

Mirrors microsoft/nni, nni/nas/hub/pytorch/nasnet.py: state 0 is h[i-1], state 1 is h[i], blocks
from 2. The dictionary does not say which states are concatenated: its DARTS and PNAS spaces
concatenate every block, the others what no block reads (`loose_end`).
"""

import json
import re

from nasdsl.errors import CellError, Diagnostic, Span
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, carried, cell_of, concatenated
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import Value
from nasdsl.interop.mapping import mapping
from nasdsl.interop.naming import genotype_name
from nasdsl.interop.options import Options
from nasdsl.language.genotype.types import UNUSED, Block, BlockState, Cell, Genotype

_SAME = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5"),
    *("sep_conv_7x7", "dil_conv_3x3", "dil_conv_5x5", "dil_sep_conv_3x3", "conv_1x1", "conv_3x3"),
    *("conv_3x1_1x3", "conv_7x1_1x7", "max_pool_5x5", "max_pool_7x7"),
)
DIALECT = Dialect("NNI", "nni", {name: name for name in _SAME}, "darts")
_KINDS = {"normal": "normal", "reduce": "reduction"}
_KEY = re.compile(r"(normal|reduce)/(op|input)_([0-9]{1,3})_([01])")
#: Blocks of the spaces that concatenate every block: DARTS has four.
_DARTS_BLOCKS = 4


def read(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of the dictionary.

    Raises:
        CellError: NAS651 to NAS653, at the first mistake.
    """
    pairs = mapping(foreign)
    found: dict[tuple[str, str, int, int], Value] = {}
    for key, value in pairs.items():
        match = _KEY.fullmatch(key)
        if match is None:
            if "/" in key or key.startswith(("normal", "reduce")):
                raise foreign.cell_error(
                    "NAS651", f"{key[:60]!r} is no decision of a cell", value.span
                )
            foreign.note(f"{key[:60]!r} is no part of a cell", value.span)
            continue
        kind, what, node, operand = match.groups()
        found[kind, what, int(node), int(operand)] = value
    cells = [_cell(foreign, kind, found) for kind in _KINDS]
    return [DIALECT.genotype(genotype_name(options.name, "nni_cell"), cells)]


def _cell(foreign: Foreign, kind: str, found: dict[tuple[str, str, int, int], Value]) -> Cell:
    nodes = sorted({node for name, _, node, _ in found if name == kind})
    if not nodes:
        raise foreign.cell_error("NAS651", f"there is no `{kind}/op_2_0`: the cell is missing")
    blocks: list[Block] = []
    for node in range(2, nodes[-1] + 1):
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


def _index(foreign: Foreign, value: Value) -> tuple[int, Span]:
    """A state's number, alone or in a list of one."""
    inner = value
    if isinstance(value.data, list) and len(value.data) == 1:
        (inner,) = value.data
    if type(inner.data) is not int:
        raise foreign.cell_error("NAS651", "an input is the number of one state", value.span)
    return inner.data, inner.span


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The dictionary as JSON.

    Raises:
        CellError: NAS654 for what NNI cannot say.
    """
    names = DIALECT.op_names(genotype)
    made: dict[str, object] = {}
    lost = DIALECT.lost(genotype)
    for kind, cell in zip(_KINDS, both_cells("NNI", genotype), strict=True):
        states = set(concatenated("NNI", cell))
        every = {BlockState(block.name) for block in cell.blocks}
        unread = every - {state for block in cell.blocks for state in block.inputs}
        wanted = every if len(cell.blocks) <= _DARTS_BLOCKS else unread
        if states not in (every, unread):
            what = f"the output of the {cell.kind} cell: all blocks, or those no block reads"
            raise CellError((cannot_hold("NNI", what),))
        if states != wanted:
            lost.append(carried(f"what the {cell.kind} cell concatenates is not in the dictionary"))
        for node, block in enumerate(cell.blocks, 2):
            for operand in (0, 1):
                made[f"{kind}/op_{node}_{operand}"] = names[block.ops[operand]]
                index = DIALECT.index(cell, block.inputs[operand])
                made[f"{kind}/input_{node}_{operand}"] = [index]
    return json.dumps(made, indent=2) + "\n", lost


FORMAT = Format(
    title="the dictionary of NNI 3",
    sign=r"""["'](normal|reduce)/(op|input)_""",
    read=read,
    write=write,
)
