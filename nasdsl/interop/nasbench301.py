"""NAS-Bench-301: the op of each edge, by the number of the edge, as ConfigSpace writes it.

    {"NetworkSelectorDatasetInfo:darts:edge_normal_0": "skip_connect", ...,
     "NetworkSelectorDatasetInfo:darts:inputs_node_normal_3": "0_2", ...}

Mirrors automl/nasbench301, which searches in DARTS's space: node 2 and on are DARTS's blocks,
state 0 is h[i-1] and state 1 is h[i], all four blocks are concatenated. Edges are numbered by the
node they lead to, then by the one they come from: node 2 has edges 0 and 1, node 3 has 2 to 4,
and so on. `inputs_node_normal_3 = 0_2` are the two predecessors of node 3; node 2 has only two.
"""

import json
import re
from collections.abc import Callable
from functools import partial

from nasdsl.errors import CellError, Diagnostic, Span
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, cell_of, concatenated
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name
from nasdsl.interop.formats import Format
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype

_OPS = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3"),
    *("sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
DIALECT = Dialect("NAS-Bench-301", "darts", {name: name for name in _OPS}, "darts")
_PREFIX = "NetworkSelectorDatasetInfo:darts:"
_KINDS = {"normal": "normal", "reduce": "reduction"}
_NODES = range(2, 6)
#: The number of the first edge of each node.
_FIRST_EDGE = {node: node * (node - 1) // 2 - 1 for node in _NODES}
# A key, and its value after whatever JSON, Python, YAML or ConfigSpace put between them.
_SETTING = re.compile(
    r"(?P<what>edge|inputs_node)_(?P<kind>normal|reduce)_(?P<number>[0-9]{1,3})\b"
    r"""["']?[ \t]*[:=,][ \t]*(?:Value:[ \t]*)?(?P<value>"[^"\n]{0,60}"|'[^'\n]{0,60}'|\w{1,60})"""
)

SettingValues = dict[tuple[str, str, int], tuple[str, Span]]


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every configuration of the text; one that gives a setting again begins another.

    Raises:
        CellError: NAS651 where there is none.
    """
    found: list[SettingValues] = [{}]
    for match in _SETTING.finditer(foreign.text):
        key = match["what"], match["kind"], int(match["number"])
        if key in found[-1]:
            found.append({})
        found[-1][key] = match["value"].strip("'\""), Span(*match.span())
    if not found[0]:
        raise foreign.cell_error("NAS651", f"there is no `{_PREFIX}edge_normal_0` in the text")
    return [_entry(settings) for settings in found]


def _entry(settings: SettingValues) -> Entry:
    spans = [span for _, span in settings.values()]
    return Entry("", spans[0].to(spans[-1]), partial(_genotype, settings))


def _genotype(settings: SettingValues, foreign: Foreign, name: str) -> Genotype:
    taken: set[tuple[str, str, int]] = set()
    cells = [_cell(foreign, kind, settings, taken) for kind in _KINDS]
    for what, kind, number in sorted(settings.keys() - taken):
        span = settings[what, kind, number][1]
        if what == "inputs_node" or number >= _FIRST_EDGE[5] + 5:
            text = f"a cell has no `{what}_{kind}_{number}`"
            raise foreign.cell_error("NAS653", text, span)
        foreign.note(f"`{what}_{kind}_{number}` is not an input of its node, and is left out", span)
    return DIALECT.genotype(genotype_name(name, "nasbench301_cell"), cells)


def _cell(
    foreign: Foreign, kind: str, settings: SettingValues, taken: set[tuple[str, str, int]]
) -> Cell:
    def value(what: str, number: int) -> tuple[str, Span]:
        if (what, kind, number) not in settings:
            raise foreign.cell_error("NAS651", f"`{what}_{kind}_{number}` is missing")
        taken.add((what, kind, number))
        return settings[what, kind, number]

    blocks: list[Block] = []
    for node in _NODES:
        inputs, ops = [], []
        for state in (0, 1) if node == _NODES[0] else _predecessors(foreign, node, value):
            text, span = value("edge", _FIRST_EDGE[node] + state)
            ops.append(DIALECT.op(foreign, text, span))
            inputs.append(DIALECT.state(foreign, state, len(blocks), span))
        blocks.append(Block(f"b{len(blocks)}", (inputs[0], inputs[1]), (ops[0], ops[1]), "add"))
    return cell_of(_KINDS[kind], blocks, [BlockState(block.name) for block in blocks])


def _predecessors(
    foreign: Foreign, node: int, value: Callable[[str, int], tuple[str, Span]]
) -> tuple[int, int]:
    text, span = value("inputs_node", node)
    match = re.fullmatch(r"([0-9]{1,3})_([0-9]{1,3})", text)
    if match is None:
        raise foreign.cell_error("NAS651", "the inputs of a node are written `0_2`", span)
    one, other = int(match[1]), int(match[2])
    if not one < other < node:
        text = f"node {node} has two inputs of 0 to {node - 1}, the lower one first"
        raise foreign.cell_error("NAS653", text, span)
    return one, other


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The configuration as JSON.

    Raises:
        CellError: NAS654 for what it cannot say.
    """
    title = DIALECT.title
    names = DIALECT.op_names(genotype)
    found: dict[str, str] = {}
    for kind, cell in zip(_KINDS, both_cells(title, genotype), strict=True):
        if len(cell.blocks) != len(_NODES):
            raise CellError((cannot_hold(title, "cells of other than four blocks"),))
        if set(concatenated(title, cell)) != {BlockState(block.name) for block in cell.blocks}:
            what = f"the output of the {cell.kind} cell: it concatenates all four blocks"
            raise CellError((cannot_hold(title, what),))
        for node, block in zip(_NODES, cell.blocks, strict=True):
            states = [DIALECT.index(cell, state) for state in block.inputs]
            if states[0] == states[1]:
                what = f"two edges from one state, as in `{block.name}` of the {cell.kind} cell"
                raise CellError((cannot_hold(title, what),))
            edges = sorted(zip(states, block.ops, strict=True))
            for state, op in edges:
                found[f"{_PREFIX}edge_{kind}_{_FIRST_EDGE[node] + state}"] = names[op]
            if node != _NODES[0]:
                inputs = "_".join(str(state) for state, _ in edges)
                found[f"{_PREFIX}inputs_node_{kind}_{node}"] = inputs
    return json.dumps(found, indent=1) + "\n", DIALECT.losses(genotype)


FORMAT = Format(
    title="the configuration of NAS-Bench-301",
    sign=r"(edge|inputs_node)_(normal|reduce)_[0-9]",
    find=find,
    write=write,
)
