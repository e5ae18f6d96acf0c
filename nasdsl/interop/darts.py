"""DARTS: `Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=[2, 3, 4, 5], ...)`.

Purpose: read a file of named genotypes, or one expression; write one.
Non-goals: genotypes with more fields than DARTS's four, whose networks are others.

Mirrors quark0/darts, cnn/genotypes.py and model.py: state 0 is h[i-1], state 1 is h[i], blocks
follow; two edges a block, added; `none` is zero. D-X-Y/AutoDL-Projects puts the two edges of a
block in a tuple of their own, which is read too.
"""

import ast
import re
from dataclasses import replace

from nasdsl.errors import CellError, Diagnostic, Source, Span
from nasdsl.interop.dialect import Dialect, both_cells, cell_of, concatenated
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import Python, Value, numbers
from nasdsl.interop.naming import genotype_name
from nasdsl.interop.options import Options
from nasdsl.language.genotype.types import Block, Cell, Genotype

_SAME = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5"),
    *("dil_conv_3x3", "dil_conv_5x5", "sep_conv_7x7", "conv_7x1_1x7"),
)
DIALECT = Dialect("DARTS", "darts", {name: name for name in _SAME}, "darts")

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_KINDS = {"normal": "normal", "reduce": "reduction"}


def read(foreign: Foreign, options: Options) -> list[Genotype]:
    """Every `Genotype(...)` of the text, named as it is assigned.

    Raises:
        CellError: NAS651 to NAS653, at the first mistake.
    """
    python = _parsed(foreign)
    found: dict[str, Genotype] = {}
    for name, call in _calls(python.tree):
        made = _genotype(python, call, genotype_name(name or options.name, "darts_cell"))
        found[name or f"call {len(found)}"] = made
    if not found:
        raise foreign.cell_error("NAS651", "there is no `Genotype(...)` in the text")
    others = [
        replace(found[known], name=genotype_name(other, other))
        for other, known in _aliases(python.tree)
        if known in found
    ]
    return [*found.values(), *others]


def _parsed(foreign: Foreign) -> Python:
    """The text as Python; of a log, what stands in its `Genotype(...)`."""
    try:
        return Python(foreign)
    except CellError:
        logged = _logged(foreign.text)
        if logged is None:
            raise
    python = Python(Foreign(Source(foreign.source.name, logged), foreign.findings))
    python.foreign = foreign
    return python


def _logged(text: str) -> str | None:
    """A list of the calls in a text that is not Python, each in its place; None without any.

    Searches print the genotype they have reached, after a time and between other words.
    """
    spans = []
    for match in re.finditer(r"\bGenotype\(", text):
        depth = 0
        for at in range(match.end() - 1, len(text)):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if depth == 0:
                spans.append((match.start(), at + 1))
                break
    if not spans or spans[0][0] == 0 or spans[-1][1] == len(text):
        return None
    made = [" "] * len(text)
    for start, end in spans:
        made[start:end] = text[start:end]
        made[end] = ","
    made[0], made[-1] = "[", "]"
    return "".join(made)


def _aliases(tree: ast.Module) -> list[tuple[str, str]]:
    """`DARTS = DARTS_V2`: another name and the one it stands for."""
    return [
        (target.id, node.value.id)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


def _calls(tree: ast.Module) -> list[tuple[str | None, ast.Call]]:
    """The calls of `Genotype` and the names they are assigned to, in order."""
    names = {
        id(node.value): target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets[:1]
        if isinstance(target, ast.Name)
    }
    return [
        (names.get(id(node)), node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node).endswith("Genotype")
    ]


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _genotype(python: Python, call: ast.Call, name: str) -> Genotype:
    foreign, span = python.foreign, python.span(call)
    given = dict(zip(_FIELDS, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in _FIELDS:
            text = f"a genotype of DARTS has no field {keyword.arg!r}"
            raise foreign.cell_error(
                "NAS651", text, python.span(keyword), "", "it has its four alone"
            )
        given[keyword.arg] = keyword.value
    cells = []
    for field, kind in _KINDS.items():
        for needed in (field, f"{field}_concat"):
            if needed not in given:
                raise foreign.cell_error("NAS651", f"`{needed}` is missing", span)
        edges, concat = (python.value(given[part]) for part in (field, f"{field}_concat"))
        cells.append(_cell(foreign, kind, edges, concat))
    return DIALECT.genotype(name, cells)


def _cell(foreign: Foreign, kind: str, edges: Value, concat: Value) -> Cell:
    flat = _edges(foreign, edges)
    if len(flat) % 2:
        raise foreign.cell_error(
            "NAS651", "a block has two edges, and their number is odd", edges.span
        )
    blocks: list[Block] = []
    for at in range(0, len(flat), 2):
        (left_op, left, left_span), (right_op, right, right_span) = flat[at : at + 2]
        made = len(blocks)
        inputs = (
            DIALECT.state(foreign, left, made, left_span),
            DIALECT.state(foreign, right, made, right_span),
        )
        ops = DIALECT.op(foreign, left_op, left_span), DIALECT.op(foreign, right_op, right_span)
        blocks.append(Block(f"b{made}", inputs, ops, "add"))
    states = [
        DIALECT.state(foreign, index, len(blocks), span)
        for index, span in numbers(foreign, concat, f"the concatenation of the {kind} cell")
    ]
    return cell_of(kind, blocks, states)


def _edges(foreign: Foreign, value: Value) -> list[tuple[object, int, Span]]:
    """The (op, state) pairs of a cell with their places; pairs of pairs are opened."""
    found: list[tuple[object, int, Span]] = []
    for part in value.data if isinstance(value.data, list) else [value]:
        inner = part.data
        if not isinstance(inner, list) or len(inner) != 2:
            raise foreign.cell_error("NAS651", "an edge is a pair of an op and a state", part.span)
        if isinstance(inner[0].data, list):
            found += _edges(foreign, part)
            continue
        op, state = inner
        if type(state.data) is not int:
            raise foreign.cell_error("NAS651", "the state of an edge is a number", state.span)
        found.append((op.data, state.data, part.span))
    return found


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
        lines += [f"    {field}=[", *(f"        {pair}," for pair in _paired(edges)), "    ],"]
        lines.append(f"    {field}_concat={states},")
    text = "\n".join([f"{genotype.name} = Genotype(", *lines, ")"]) + "\n"
    return text, DIALECT.lost(genotype)


def _paired(edges: list[str]) -> list[str]:
    """Two edges a line: a block."""
    return [", ".join(edges[at : at + 2]) for at in range(0, len(edges), 2)]


FORMAT = Format(
    title="Genotype(...) of DARTS and its family",
    sign=r"Genotype\s*\(",
    read=read,
    write=write,
)
