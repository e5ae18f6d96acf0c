"""NAS-Bench-101: an upper-triangular matrix of edges, and the op of each vertex.

`matrix = [[0, 1, ...], ...]` and `ops = ['input', ...]` may have any names, numbers may be floats,
and lists may be numpy's, as code or as numpy prints them.

Mirrors google-research/nasbench, lib/model_builder.py: a vertex applies its op to the sum of the
vertices that reach it; edges from the input pass a 1x1 projection of their own; what reaches the
output is concatenated, and the projected input is added. Blocks apply ops before they add, so a
sum of n is n - 1 blocks, and an op on it one more.
"""

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from nasdsl import library
from nasdsl.errors import CellError, Diagnostic, Span
from nasdsl.interop.dialect import Dialect, cannot_hold, cell_of, not_carried
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name, name_before
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, Python, called, pythons
from nasdsl.interop.named_nodes import Named, named_nodes
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, State, hidden

DIALECT = Dialect(
    "NAS-Bench-101",
    "nasbench101",
    {"conv1x1-bn-relu": "conv1x1", "conv3x3-bn-relu": "conv3x3", "maxpool3x3": "maxpool3x3"},
    aliases={
        "CONV1X1": "conv1x1",
        "CONV3X3": "conv3x3",
        "MAXPOOL3X3": "maxpool3x3",
        "conv1x1": "conv1x1",
        "conv3x3": "conv3x3",
    },
)
_MAX_VERTICES = 64
_DIVIDED = (
    "the benchmark divides a cell's channels among the vertices it concatenates; here each block"
    " has the cell's filters"
)
_INPUT = 0


# Numbers and rows without commas between them, as numpy prints them.
_NO_COMMA = re.compile(r"(?<=[0-9.\]])[ \n](?=[ \n]*[\[0-9])")


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every matrix of the text with its ops: normal cells alone.

    Raises:
        CellError: there is none, or it does not show which ops are whose (NAS651).
    """
    found = _cells_of(
        [_Part(python, each) for python in _texts(foreign) for each in _named_parts(python)]
    )
    matrices = [part for part in found if _is_matrix(part.named.node)]
    ops = [part for part in found if not _is_matrix(part.named.node)]
    for parts, what in ((matrices, "matrix"), (ops, "ops")):
        if not parts:
            raise foreign.cell_error("NAS651", f"there is no `{what}` in the text")
    kinds = [_is_matrix(part.named.node) for part in found]
    if kinds != kinds[:2] * len(matrices) or len(set(kinds[:2])) < 2:
        text = f"there are {len(matrices)} matrices and {len(ops)} lists of ops"
        hint = "one list of ops is expected after each matrix, or before each"
        raise foreign.cell_error("NAS651", text, found[0].span, "", hint)
    return [
        Entry(
            matrix.around.rpartition(".")[2],
            matrix.span,
            partial(_genotype, matrix, of_it),
            matrix.around,
        )
        for matrix, of_it in zip(matrices, ops, strict=True)
    ]


class _Part(NamedTuple):
    """A matrix or a list of ops, and the text it stands in."""

    python: Python
    named: Named

    @property
    def span(self) -> Span:
        return self.python.span(self.named.node)

    @property
    def around(self) -> str:
        """What the cell is called of which this is a part."""
        around, _, own = self.named.path.rpartition(".")
        if around or not own:
            return around
        return name_before(self.python.foreign.text, self.python.offset)

    def value(self) -> LiteralValue:
        return self.python.value(self.named.node, names=True)


def _named_parts(python: Python) -> list[Named]:
    return [named for named in named_nodes(python.tree, _is_part) if named.at is named.node]


def _cells_of(found: list[_Part]) -> list[_Part]:
    """The matrices and lists of ops, without the names that a program lists beside its cells."""
    whole = [part for part in found if _is_matrix(part.named.node) or _has_ends(part.named.node)]
    return whole if any(_has_ends(part.named.node) for part in whole) else found


def _has_ends(node: ast.expr) -> bool:
    """Whether these are names of which the first is the input's and the last the output's."""
    words = _words(node)
    return [word.lower() for word in (*words[:1], *words[-1:])] == ["input", "output"]


def _texts(foreign: Foreign) -> list[Python]:
    """The text as Python, as numpy prints it, or what of it stands in brackets."""
    # A comma takes the place of a space, so every place stays.
    for text in (foreign.text, _NO_COMMA.sub(",", foreign.text)):
        with suppress(CellError):
            return [Python(foreign, text)]
    return pythons(foreign, r"[(\[{]")


def _is_part(node: ast.expr) -> bool:
    return _is_matrix(node) or _is_ops(node)


def _elements(node: ast.expr) -> list[ast.expr]:
    """The elements of a list, or of numpy's array of a list."""
    match node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return elements
        case ast.Call(args=[ast.List(elts=elements) | ast.Tuple(elts=elements), *_]):
            return elements if called(node) in ("array", "asarray", "matrix", "tensor") else []
    return []


def _is_matrix(node: ast.expr) -> bool:
    rows = _elements(node)
    return (
        bool(rows)
        and all(
            (row := _elements(rows[at])) and not any(isinstance(part, ast.List) for part in row)
            for at in range(len(rows))
        )
        and not any(_is_ops(row) for row in rows)
    )


def _words(node: ast.expr) -> list[str]:
    return [
        str(part.value) if isinstance(part, ast.Constant) else part.id
        for part in _elements(node)
        if isinstance(part, ast.Constant | ast.Name)
    ]


def _is_ops(node: ast.expr) -> bool:
    """Whether these are names, an op or an end among them."""
    words = _words(node)
    known = {*DIALECT.ops, *DIALECT.aliases, "input", "output", "INPUT", "OUTPUT"}
    return len(words) > 1 and len(words) == len(_elements(node)) and not known.isdisjoint(words)


def _genotype(matrix_part: _Part, ops_part: _Part, foreign: Foreign, name: str) -> Genotype:
    matrix, ops = matrix_part.value(), ops_part.value()
    edges = _edges(foreign, matrix)
    vertices = ops.data if isinstance(ops.data, list) else []
    if len(vertices) != len(edges) or len(edges) < 2:
        text = f"there are {len(vertices)} ops for {len(edges)} vertices"
        raise foreign.cell_error("NAS651", text, ops.span)
    last = len(edges) - 1
    alive = _alive(edges)
    if _INPUT not in alive:
        raise foreign.cell_error(
            "NAS651", "no path leads from the input to the output", matrix.span
        )
    blocks: list[Block] = []
    states: dict[int, State] = {}
    for vertex in range(1, last):
        if vertex in alive:
            part = vertices[vertex]
            op = DIALECT.op(foreign, part.data, part.span)
            sources = [source for source in edges[vertex] if source in alive]
            total = _sum_of(blocks, [_operand(states, source) for source in sources])
            states[vertex] = _block(blocks, (total, total), (op, "none"))
    sources = [source for source in edges[last] if source in alive]
    outputs = [states[source] for source in sources if source != _INPUT]
    if _INPUT in sources:
        if len(outputs) > 1:
            text = "the output adds its input to a concatenation, which no block can"
            raise foreign.cell_error("NAS654", text, matrix.span)
        operands = [*((state, "identity") for state in outputs), (hidden(0), "project")]
        outputs = [_sum_of(blocks, operands)]
    if len(outputs) > 1:
        foreign.note(_DIVIDED, matrix.span)
    foreign.note("the pools between the benchmark's stacks are not cells")
    cell = cell_of("normal", blocks, outputs)
    return DIALECT.genotype(genotype_name(name, "nasbench101_cell"), [cell])


def _edges(foreign: Foreign, matrix: LiteralValue) -> list[list[int]]:
    """For each vertex, those it is reached from."""
    rows = matrix.data if isinstance(matrix.data, list) else []
    if not 2 <= len(rows) <= _MAX_VERTICES:
        text = f"a matrix has 2 to {_MAX_VERTICES} rows"
        raise foreign.cell_error("NAS651", text, matrix.span)
    edges: list[list[int]] = [[] for _ in rows]
    for source, row in enumerate(rows):
        entries = _entries(foreign, row)
        if len(entries) != len(rows):
            text = f"this row has {len(entries)} entries; the matrix has {len(rows)} rows"
            raise foreign.cell_error("NAS651", text, row.span)
        for target, (entry, span) in enumerate(entries):
            if entry not in (0, 1) or (entry and target <= source):
                raise foreign.cell_error("NAS653", *_wrong(entry, source, target, span))
            if entry:
                edges[target].append(source)
    return edges


def _entries(foreign: Foreign, row: LiteralValue) -> list[tuple[float, Span]]:
    """The numbers of a row, which may be floats."""
    found = []
    for part in row.data if isinstance(row.data, list) else [row]:
        if not isinstance(part.data, int | float):
            text = "a row of the matrix holds something that is not a number"
            raise foreign.cell_error("NAS651", text, part.span)
        found.append((part.data, part.span))
    return found


def _wrong(entry: float, source: int, target: int, span: Span) -> tuple[str, Span]:
    if entry in (0, 1):
        return f"vertex {source} leads back to vertex {target}", span
    return "an entry of the matrix is 0 or 1", span


def _alive(edges: Sequence[Sequence[int]]) -> set[int]:
    """The vertices on a path from the input to the output."""
    ahead = {_INPUT}
    for vertex, sources in enumerate(edges):
        if ahead.intersection(sources):
            ahead.add(vertex)
    behind = {len(edges) - 1}
    for vertex in reversed(range(len(edges))):
        if vertex in behind:
            behind.update(edges[vertex])
    return ahead & behind


def _operand(states: dict[int, State], source: int) -> tuple[State, str]:
    return (hidden(0), "project") if source == _INPUT else (states[source], "identity")


def _block(blocks: list[Block], inputs: tuple[State, State], ops: tuple[str, str]) -> State:
    blocks.append(Block(f"b{len(blocks)}", inputs, ops, "add"))
    return BlockState(blocks[-1].name)


def _sum_of(blocks: list[Block], operands: list[tuple[State, str]]) -> State:
    """The state that holds the sum of the operands, with blocks appended where it takes any."""
    (total, op), *rest = operands
    if not rest:
        return total if op == "identity" else _block(blocks, (total, total), (op, "none"))
    for state, other in rest:
        total, op = _block(blocks, (total, state), (op, other)), "identity"
    return total


# -- writing ------------------------------------------------------------------------------


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The matrix and the ops, as Python.

    Raises:
        CellError: the cell is no graph of vertices (NAS654).
    """
    cell = genotype.cell("normal")
    if len(genotype.cells) != 1 or cell is None:
        raise CellError((cannot_hold(DIALECT.title, "more than a normal cell"),))
    _check_ops(genotype)
    sums: dict[State, list[int]] = {}
    vertices: list[tuple[str, list[int]]] = []
    numbered: dict[State, int] = {}
    for block in cell.blocks:
        state = BlockState(block.name)
        op = _vertex_op(block)
        if op:
            vertices.append((op, _sources(block.inputs[0], sums, numbered)))
            numbered[state] = len(vertices)
        else:
            sums[state] = _vertices_of_sum(block, sums, numbered)
    outputs = _outputs(cell, sums, numbered)
    reached = [outputs, *(sources for _, sources in vertices)]
    if any(len(set(found)) < len(found) for found in reached):
        raise CellError((cannot_hold(DIALECT.title, "an edge that is there twice"),))
    if not all(reached):
        raise CellError((cannot_hold(DIALECT.title, "a vertex that reads zero alone"),))
    losses = DIALECT.losses_of_settings(genotype)
    if len(outputs) > 1 and _INPUT not in outputs:
        losses.append(not_carried(_DIVIDED))
    return _text(vertices, outputs), losses


def _outputs(cell: Cell, sums: dict[State, list[int]], numbered: dict[State, int]) -> list[int]:
    """The vertices with an edge to the output.

    What several vertices give is concatenated there, never added; the input is added to the rest.

    Raises:
        CellError: the cell has another output (NAS654).
    """
    found = [_sources(state, sums, numbered) for state in cell.output_states]
    alone = len(found) == 1
    for state, sources in zip(cell.output_states, found, strict=True):
        if len(set(sources) - {_INPUT}) > 1:
            what = f"the output `{state}`: edges to the output concatenate, and this is a sum"
            raise CellError((cannot_hold(DIALECT.title, what),))
        if not alone and (_INPUT in sources or not sources):
            what = f"the output `{state}` beside others: it is not what a vertex gives"
            raise CellError((cannot_hold(DIALECT.title, what),))
    return [source for sources in found for source in sources]


def _text(vertices: list[tuple[str, list[int]]], outputs: list[int]) -> str:
    names = DIALECT.names()
    size = len(vertices) + 2
    reached = [[], *(sources for _, sources in vertices), outputs]
    rows = [[int(source in reached[target]) for target in range(size)] for source in range(size)]
    ops = ["input", *(names[op] for op, _ in vertices), "output"]
    matrix = "".join(f"    {row},\n" for row in rows)
    return f"matrix = [\n{matrix}]\nops = {ops}\n"


def _check_ops(genotype: Genotype) -> None:
    own = library.vocabulary(DIALECT.vocabulary)
    known = {op.name: op.forms for op in own.ops}
    for cell in genotype.cells:
        for block in cell.blocks:
            for op in block.ops:
                if genotype.vocabulary.op[op].forms != known.get(op):
                    raise CellError((cannot_hold(DIALECT.title, f"the op `{op}`"),))
            if genotype.vocabulary.combine[block.combine].definition != "[sum]":
                raise CellError((cannot_hold(DIALECT.title, f"the combine `{block.combine}`"),))


def _vertex_op(block: Block) -> str | None:
    """The op of a vertex, where the block is an op on one state and a zero."""
    left, right = block.ops
    op = left if right == "none" else right if left == "none" else None
    if op in DIALECT.names() and block.inputs[0] == block.inputs[1]:
        return op
    return None


def _vertices_of_sum(
    block: Block, sums: dict[State, list[int]], numbered: dict[State, int]
) -> list[int]:
    """The vertices whose sum a block is."""
    found: list[int] = []
    for state, op in zip(block.inputs, block.ops, strict=True):
        if op == "none":
            continue
        if (op, state) == ("project", hidden(0)):
            found.append(_INPUT)
        elif op == "identity":
            found += _sources(state, sums, numbered)
        else:
            what = f"the block `{block.name}`: it is neither a sum nor an op on one"
            raise CellError((cannot_hold(DIALECT.title, what),))
    return found


def _sources(state: State, sums: dict[State, list[int]], numbered: dict[State, int]) -> list[int]:
    if state in numbered:
        return [numbered[state]]
    if state in sums:
        return sums[state]
    raise CellError((cannot_hold(DIALECT.title, f"the input `{state}` without a projection"),))


FORMAT = Format(
    title="matrix and ops of NAS-Bench-101",
    sign=(
        r"(?is)\A(?=.*\bmatrix\b).*\bops\b"
        r"|[\"'\[, ](conv[13]x[13]-bn-relu|maxpool3x3|conv1x1|conv3x3)\b"
    ),
    find=find,
    write=write,
)
