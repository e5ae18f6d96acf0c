"""NASLib's compact form of DARTS cells: `(((0, 6), (1, 4), ...), ((0, 1), ...))`.

Mirrors automl/NASLib, search_spaces/nasbench301/conversions.py: (state, op) pairs, two per block,
four blocks a cell, all four concatenated; state 0 is h[i-1], state 1 is h[i].
"""

import ast
import itertools
from functools import partial

from nasdsl.errors import CellError, Diagnostic, plural
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, cell_of, concatenated
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name, name_before
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, Python, numbers, pythons
from nasdsl.interop.named_nodes import Named, named_nodes
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype

_OPS = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3"),
    *("sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
DIALECT = Dialect("NASLib", "darts", {str(at): name for at, name in enumerate(_OPS)}, "darts")
_PAIRS = 8
_OPENING = r"\(\s*\(\s*\(\s*[0-9]|\[\s*\[\s*\[\s*[0-9]{1,2}\s*,\s*[0-9]\s*\]"


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every pair of cells in the text; the first list of it where there is none.

    Raises:
        CellError: NAS651 where there is not a list.
    """
    texts = pythons(foreign, _OPENING)
    found = [(each, named) for each in texts for named in named_nodes(each.tree, _is_pair_of_cells)]
    if not found:
        lists = (
            (each, Named(node, node))
            for each in texts
            for node in ast.walk(each.tree)
            if isinstance(node, ast.Tuple | ast.List)
        )
        found = list(itertools.islice(lists, 1))
    if not found:
        raise foreign.cell_error("NAS651", "a compact architecture is a pair of cells")
    return [
        Entry(
            named.name or name_before(foreign.text, python.span(named.at).start),
            python.span(named.at),
            partial(_genotype, python, named.node),
            named.path,
            identity=python.span(named.node),
        )
        for python, named in found
    ]


def _is_pair_of_cells(node: ast.expr) -> bool:
    """Whether an expression is a pair of lists of lists of two."""
    match node:
        case ast.Tuple(elts=[first, _]) | ast.List(elts=[first, _]):
            match first:
                case ast.Tuple(elts=[edge, *_]) | ast.List(elts=[edge, *_]):
                    return isinstance(edge, ast.Tuple | ast.List)
    return False


def _genotype(python: Python, node: ast.expr, foreign: Foreign, name: str) -> Genotype:
    value = python.value(node)
    if not isinstance(value.data, list) or len(value.data) != 2:
        text = "a compact architecture is a pair of cells"
        raise foreign.cell_error("NAS651", text, value.span)
    kinds = zip(("normal", "reduction"), value.data, strict=True)
    cells = [_cell(foreign, kind, part) for kind, part in kinds]
    return DIALECT.genotype(genotype_name(name, "naslib_cell"), cells)


def _cell(foreign: Foreign, kind: str, value: LiteralValue) -> Cell:
    pairs = value.data if isinstance(value.data, list) else []
    if len(pairs) != _PAIRS:
        text = f"the {kind} cell has {plural(len(pairs), 'edge')}; eight make four blocks"
        raise foreign.cell_error("NAS651", text, value.span)
    blocks: list[Block] = []
    for at in range(0, _PAIRS, 2):
        inputs, ops = [], []
        for pair in pairs[at : at + 2]:
            both = numbers(foreign, pair, "an edge")
            if len(both) != 2:
                raise foreign.cell_error(
                    "NAS651", "an edge is a pair of a state and an op", pair.span
                )
            (state, state_span), (op, op_span) = both
            inputs.append(DIALECT.state(foreign, state, len(blocks), state_span))
            ops.append(DIALECT.op(foreign, str(op), op_span))
        blocks.append(Block(f"b{len(blocks)}", (inputs[0], inputs[1]), (ops[0], ops[1]), "add"))
    return cell_of(kind, blocks, [BlockState(block.name) for block in blocks])


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The nested tuple on a line.

    Raises:
        CellError: NAS654 for what NASLib cannot say.
    """
    names = DIALECT.op_names(genotype)
    cells = []
    for cell in both_cells("NASLib", genotype):
        if len(cell.blocks) * 2 != _PAIRS:
            raise CellError((cannot_hold("NASLib", "cells of other than four blocks"),))
        if set(concatenated("NASLib", cell)) != {BlockState(block.name) for block in cell.blocks}:
            what = f"the output of the {cell.kind} cell: it concatenates all four blocks"
            raise CellError((cannot_hold("NASLib", what),))
        for block in cell.blocks:
            if block.inputs[0] == block.inputs[1]:
                what = f"two edges from one state, as in `{block.name}` of the {cell.kind} cell"
                raise CellError((cannot_hold("NASLib", what),))
        cells.append(
            tuple(
                (DIALECT.index(cell, state), int(names[op]))
                for block in cell.blocks
                for state, op in zip(block.inputs, block.ops, strict=True)
            )
        )
    return f"{tuple(cells)}\n", DIALECT.losses(genotype)


FORMAT = Format(
    title="NASLib's compact form",
    sign=rf"(?m)^[^\n#]*?(?:{_OPENING})",
    find=find,
    write=write,
)
