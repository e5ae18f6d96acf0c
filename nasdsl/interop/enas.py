"""ENAS's micro space: forty integers.

Purpose: read and write `0 2 0 0 0 4 ...`, bare, in brackets, or in the script that runs them.
Non-goals: ENAS's macro space, which has no cells.

Mirrors melodyguan/enas, src/cifar10/micro_child.py: (state, op, state, op) a block, the normal
cell first; state 0 is h[i-1], state 1 is h[i]; what no block reads is concatenated, inputs
included.
"""

import re

from nasdsl.errors import CellError, Diagnostic, Span
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, cell_of, concatenated
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.formats import Format
from nasdsl.interop.naming import genotype_name
from nasdsl.interop.options import Options
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, State, hidden

_OPS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "identity")
DIALECT = Dialect("ENAS", "enas", {str(at): name for at, name in enumerate(_OPS)}, "enas")
_BLOCK = 4
_IN_SCRIPT = re.compile(r"""fixed_arc=["']([^"'\n]*)["']""")
_WORD = re.compile(r"[^\s,\[\]]+")


def read(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of the integers.

    Raises:
        CellError: NAS651 to NAS653, at the first mistake.
    """
    found = _integers(foreign)
    if not found or len(found) % (2 * _BLOCK):
        text = f"there are {len(found)} integers; two cells of n blocks have 8 n"
        raise foreign.cell_error("NAS651", text)
    half = len(found) // 2
    cells = [_cell(foreign, "normal", found[:half]), _cell(foreign, "reduction", found[half:])]
    return [DIALECT.genotype(genotype_name(options.name, "enas_cell"), cells)]


def _integers(foreign: Foreign) -> list[tuple[int, Span]]:
    parts = [match.span(1) for match in _IN_SCRIPT.finditer(foreign.text)]
    script = bool(parts)
    found = []
    for start, end in parts or [(0, len(foreign.text))]:
        for match in _WORD.finditer(foreign.text, start, end):
            word, span = match.group(), Span(*match.span())
            if script and word.startswith("$"):
                continue
            if not word.isascii() or not word.isdigit() or len(word) > 4:
                raise foreign.cell_error("NAS651", f"{word[:40]!r} is no integer", span)
            found.append((int(word), span))
    return found


def _cell(foreign: Foreign, kind: str, integers: list[tuple[int, Span]]) -> Cell:
    blocks: list[Block] = []
    for at in range(0, len(integers), _BLOCK):
        (left, a), (left_op, b), (right, c), (right_op, d) = integers[at : at + _BLOCK]
        made = len(blocks)
        inputs = DIALECT.state(foreign, left, made, a), DIALECT.state(foreign, right, made, c)
        ops = DIALECT.op(foreign, str(left_op), b), DIALECT.op(foreign, str(right_op), d)
        blocks.append(Block(f"b{made}", inputs, ops, "add"))
    return cell_of(kind, blocks, _unread(tuple(blocks)))


def _unread(blocks: tuple[Block, ...]) -> list[State]:
    """The states that no block reads, the inputs among them."""
    states: list[State] = [hidden(1), hidden(0), *(BlockState(block.name) for block in blocks)]
    read_ones = {state for block in blocks for state in block.inputs}
    return [state for state in states if state not in read_ones]


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """Two lines of integers, a cell each.

    Raises:
        CellError: NAS654 for what ENAS cannot say.
    """
    names = DIALECT.op_names(genotype)
    lines = []
    normal, reduction = both_cells("ENAS", genotype)
    if len(normal.blocks) != len(reduction.blocks):
        raise CellError((cannot_hold("ENAS", "cells of different numbers of blocks"),))
    for cell in (normal, reduction):
        if set(concatenated("ENAS", cell)) != set(_unread(cell.blocks)):
            what = f"the output of the {cell.kind} cell: it concatenates what no block reads"
            raise CellError((cannot_hold("ENAS", what),))
        integers = [
            f"{DIALECT.index(cell, state)} {names[op]}"
            for block in cell.blocks
            for state, op in zip(block.inputs, block.ops, strict=True)
        ]
        lines.append(" ".join(integers))
    return "\n".join(lines) + "\n", DIALECT.lost(genotype)


FORMAT = Format(
    title="the integers of ENAS's micro space",
    sign=r"^[\s\[\],0-9]*[0-9][\s\[\],0-9]*$|fixed_arc=",
    read=read,
    write=write,
)
