"""ENAS's micro space: two cells as integers, forty where a cell has five blocks.

Integers stand bare, in brackets, in the log of a search, or in the script that runs them, where
the value counts that the script ends with. ENAS's macro space has no cells, and its recurrent
cells are not those of image networks: both are refused by name.

Mirrors melodyguan/enas, src/cifar10/micro_child.py: (state, op, state, op) a block, the normal
cell first; state 0 is h[i-1], state 1 is h[i]; what no block reads is concatenated, inputs
included.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from math import isqrt

from nasdsl.errors import CellError, Diagnostic, Span, plural
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, cell_of, concatenated
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name
from nasdsl.interop.formats import Format
from nasdsl.interop.shell import MAX_WORDS, ShellWord, Variable, variables
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, State, hidden

_OPS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "identity")
DIALECT = Dialect("ENAS", "enas", {str(at): name for at, name in enumerate(_OPS)}, "enas")
_BLOCK = 4
_NUMBERS = re.compile(r"[\s\[\],0-9]*")
_WORD = re.compile(r"[^\s,\[\]]+")
_ROW = re.compile(r"(?m)^[ \t]*\[([\s,0-9]*)\][ \t]*$")
# `fixed_arc`, `child_fixed_arc`, `arc_1` and `bestArc`, but not `search_for` or `eps_no_archs`.
_ARC = r"(?:(?<![A-Za-z])(?:arc|Arc|ARC)|(?<=[a-z])Arc)[hH]?(?![A-Za-z])"
_SCRIPT_NAME = re.compile(_ARC)
#: The ops of a layer of the macro space, and the functions of a recurrent cell.
_MACRO_OPS, _RECURRENT_OPS = 6, 4
_MIN_MACRO_LAYERS = 3

Integers = list[tuple[int, Span]]


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every arc of the text.

    Raises:
        CellError: there is none (NAS651).
    """
    arcs = [value for value in variables(foreign.text) if _SCRIPT_NAME.search(value.name)]
    if arcs:
        # A variable that only holds another's value is the same arc.
        entries = list({each.identity: each for each in map(_entry_of_variable, arcs)}.values())
        # One arc is called by its file's name; its variable's says nothing about it.
        return entries if len(entries) > 1 else [replace(entries[0], name="")]
    if _NUMBERS.fullmatch(foreign.text):
        rows = _rows_of_numbers(foreign)
        pairs = rows if "[" in foreign.text else []
    else:
        rows = pairs = _rows_in_brackets(foreign, _ROW.finditer(foreign.text))
    if not rows:
        word = _WORD.search(foreign.text)
        text = f"{word.group()[:40]!r} is not an integer" if word else "there are no integers"
        raise foreign.cell_error("NAS651", text, Span(*word.span()) if word else None)
    if len(pairs) > 2 and not _is_macro(pairs):
        return [
            Entry("", _span(pairs[at : at + 2]), partial(_genotype, pairs[at : at + 2]))
            for at in range(0, len(pairs), 2)
        ]
    return [Entry("", foreign.whole, partial(_genotype, rows))]


def _entry_of_variable(value: Variable) -> Entry:
    words = value.words()
    identity = tuple(word.span for word in words)
    return Entry(value.name, value.span, partial(_genotype_of_words, words), identity=identity)


def _genotype_of_words(words: Sequence[ShellWord], foreign: Foreign, name: str) -> Genotype:
    def line(word: ShellWord) -> int:
        return foreign.source.position(word.span.start).line

    rows = [[_integer(foreign, word) for word in row] for _, row in groupby(words, line)]
    return _genotype(rows, foreign, name)


def _integer(foreign: Foreign, word: ShellWord) -> tuple[int, Span]:
    if not word.text.isascii() or not word.text.isdigit() or len(word.text) > 4:
        raise foreign.cell_error("NAS651", f"{word.text[:40]!r} is not an integer", word.span)
    return int(word.text), word.span


def _rows_of_numbers(foreign: Foreign) -> list[Integers]:
    """The integers of a text that has nothing else, as its brackets or lines part them."""
    if "[" in foreign.text:
        return _rows_in_brackets(foreign, re.finditer(r"[\[\]]?([^\[\]]+)", foreign.text))
    return _rows_in_brackets(foreign, re.finditer(r"([^\n]+)", foreign.text))


def _rows_in_brackets(foreign: Foreign, rows: Iterable["re.Match[str]"]) -> list[Integers]:
    found = []
    for row in rows:
        words = _WORD.finditer(foreign.text, *row.span(1))
        integers = [
            _integer(foreign, ShellWord(word.group(), Span(*word.span()))) for word in words
        ]
        found += [integers] if integers else []
    return found


def _span(rows: Sequence[Integers]) -> Span:
    return Span(rows[0][0][1].start, rows[-1][-1][1].end)


def _genotype(rows: Sequence[Integers], foreign: Foreign, name: str) -> Genotype:
    integers = [integer for row in rows for integer in row]
    if len(integers) > MAX_WORDS:
        raise foreign.cell_error("NAS656", f"the arc has more than {MAX_WORDS:,} integers")
    if _is_macro(rows):
        layers = _layers(len(integers))
        text = f"this is a macro arc of ENAS, of {layers} layers, and has no cells"
        hint = (
            "a macro arc has an op for each layer and a bit for each layer before it, which says "
            "whether that is added; micro arcs are read, (state, op, state, op) per block"
        )
        raise foreign.cell_error("NAS651", text, None, "", hint)
    if _is_recurrent([number for number, _ in integers]):
        text = f"this is a recurrent cell of ENAS, with {plural(len(integers) // 2 + 1, 'node')}"
        hint = "it is for language models and has no convolutions; micro arcs are read"
        raise foreign.cell_error("NAS651", text, None, "", hint)
    if not integers or len(integers) % (2 * _BLOCK):
        text = f"the text has {plural(len(integers), 'integer')}; two cells of n blocks have 8 n"
        raise foreign.cell_error("NAS651", text, _span(rows) if integers else None)
    half = len(integers) // 2
    cells = [
        _cell(foreign, "normal", integers[:half]),
        _cell(foreign, "reduction", integers[half:]),
    ]
    return DIALECT.genotype(genotype_name(name, "enas_cell"), cells)


def _layers(integers: int) -> int:
    """The layers of a macro arc: n of them have 1 + 2 + ... + n integers; 0 where none do."""
    layers = isqrt(2 * integers)
    return layers if layers * (layers + 1) == 2 * integers else 0


def _is_macro(rows: Sequence[Integers]) -> bool:
    """Whether integers are an arc of the macro space: rows of 1, 2, 3, ..., or all in one."""
    if len(rows) > 1 and [len(row) for row in rows] == list(range(1, len(rows) + 1)):
        return True
    if len(rows) == 2 and len(rows[0]) == len(rows[1]):
        # Two cells, a line each.
        return False
    numbers = [number for row in rows for number, _ in row]
    layers = _layers(len(numbers))
    if layers < _MIN_MACRO_LAYERS:
        return False
    starts = {at * (at + 1) // 2 for at in range(layers)}
    ops = {numbers[at] for at in starts}
    bits = {number for at, number in enumerate(numbers) if at not in starts}
    return max(ops) < _MACRO_OPS and bits <= {0, 1}


def _is_recurrent(numbers: Sequence[int]) -> bool:
    """Whether integers are a function, then (node, function) for each node that follows."""
    nodes, functions = numbers[1::2], numbers[::2]
    return (
        len(numbers) % 2 == 1
        and len(numbers) > 1
        and max(functions) < _RECURRENT_OPS
        and all(node <= at for at, node in enumerate(nodes))
    )


def _cell(foreign: Foreign, kind: str, integers: list[tuple[int, Span]]) -> Cell:
    blocks: list[Block] = []
    for at in range(0, len(integers), _BLOCK):
        (left, a), (left_op, b), (right, c), (right_op, d) = integers[at : at + _BLOCK]
        made = len(blocks)
        inputs = DIALECT.state(foreign, left, made, a), DIALECT.state(foreign, right, made, c)
        ops = DIALECT.op(foreign, str(left_op), b), DIALECT.op(foreign, str(right_op), d)
        blocks.append(Block(f"b{made}", inputs, ops, "add"))
    return cell_of(kind, blocks, unread_states(tuple(blocks)))


def unread_states(blocks: tuple[Block, ...]) -> list[State]:
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
        if set(concatenated("ENAS", cell)) != set(unread_states(cell.blocks)):
            what = f"the output of the {cell.kind} cell: it concatenates what no block reads"
            raise CellError((cannot_hold("ENAS", what),))
        integers = [
            f"{DIALECT.index(cell, state)} {names[op]}"
            for block in cell.blocks
            for state, op in zip(block.inputs, block.ops, strict=True)
        ]
        lines.append(" ".join(integers))
    return "\n".join(lines) + "\n", DIALECT.losses(genotype)


FORMAT = Format(
    title="the integers of ENAS's micro space",
    sign=(
        r"(?m)\A(?=[\s\[\],]*[0-9])(?!\s*(\[\s*){3})[\s\[\],0-9]*\Z|^val_acc="
        rf"|{_ARC}\w{{0,30}}(?:[ \t]*\+?=|[ \t]+(?=[\"']))(?:[ \t]*[\"'\[])?\s*"
        r"(?:[0-9]{1,3}(?:[\"']|[\s,]+[0-9])|\$)"
    ),
    find=find,
    write=write,
)
