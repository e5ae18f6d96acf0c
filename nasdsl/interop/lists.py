"""slim and AmoebaNet: three parallel lists a cell.

Purpose: `operations`, `hiddenstate_indices` and `used_hiddenstates`, wherever a Python text
assigns them: in the constructors of slim's cells, in the branches of AmoebaNet's
`model_specs`, as keywords, or plainly. And writing them.
Non-goals: networks; slim's are `nasdsl compile`'s.

Mirrors tensorflow/models, research/slim/nets/nasnet/nasnet_utils.py and tensorflow/tpu,
models/official/amoeba_net: state 0 is h[i], state 1 is h[i-1], blocks follow; `none` is the
identity; states are concatenated where `used_hiddenstates` is 0.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from nasdsl.errors import CellError, Diagnostic
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, cell_of, concatenated
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import Python, Value, numbers
from nasdsl.interop.naming import genotype_name
from nasdsl.interop.options import Options
from nasdsl.language.genotype.types import Block, Cell, Genotype

_SHARED = {
    "none": "identity",
    "separable_3x3_2": "sep_conv_3x3",
    "separable_5x5_2": "sep_conv_5x5",
    "separable_7x7_2": "sep_conv_7x7",
    "avg_pool_3x3": "avg_pool_3x3",
    "max_pool_3x3": "max_pool_3x3",
}
SLIM = Dialect(
    "slim",
    "nasnet",
    {**_SHARED, "max_pool_5x5": "max_pool_5x5", "max_pool_7x7": "max_pool_7x7"},
    newest_first=True,
    skeleton="nasnet",
)
AMOEBANET = Dialect(
    "AmoebaNet",
    "amoebanet",
    {
        **_SHARED,
        "1x1": "conv_1x1",
        "3x3": "conv_3x3",
        "1x7_7x1": "conv_1x7_7x1",
        "max_pool_2x2": "max_pool_2x2",
        "dil_2_separable_5x5_2": "dil_2_sep_conv_5x5",
    },
    newest_first=True,
    skeleton="amoebanet",
)
_PARTS = ("operations", "hiddenstate_indices", "used_hiddenstates")
_WORDS = re.compile(r"(normal|reduction|reduce)?_?(cell)?$", re.IGNORECASE)


@dataclass
class _Found:
    """The lists of one cell, and what its surroundings are called."""

    kind: str
    name: str | None
    parts: dict[str, Value] = field(default_factory=dict)


def read_slim(foreign: Foreign, options: Options) -> list[Genotype]:
    """Every genotype of slim's lists. Raises as `read` of DARTS does."""
    return _read(foreign, options, SLIM)


def read_amoebanet(foreign: Foreign, options: Options) -> list[Genotype]:
    """Every genotype of AmoebaNet's lists. Raises as `read` of DARTS does."""
    return _read(foreign, options, AMOEBANET)


def _read(foreign: Foreign, options: Options, dialect: Dialect) -> list[Genotype]:
    python = Python(foreign)
    cells: dict[str, list[Cell]] = {}
    for found in _lists(python):
        lacking = [part for part in _PARTS if part not in found.parts]
        if lacking:
            place = next(iter(found.parts.values())).span
            raise foreign.cell_error("NAS651", f"`{lacking[0]}` is missing beside this", place)
        name = genotype_name(found.name or options.name, f"{dialect.title.lower()}_cell")
        cells.setdefault(name, []).append(_cell(foreign, dialect, found))
    if not cells:
        raise foreign.cell_error("NAS651", f"there are no lists called {', '.join(_PARTS)}")
    return [_stacked(dialect, parts).genotype(name, parts) for name, parts in cells.items()]


def _stacked(dialect: Dialect, cells: Sequence[Cell]) -> Dialect:
    """Slim's PNASNet has one cell for both roles, and a skeleton of its own."""
    alone = dialect is SLIM and [cell.kind for cell in cells] == ["normal"]
    return replace(dialect, skeleton="pnasnet") if alone else dialect


def _cell(foreign: Foreign, dialect: Dialect, found: _Found) -> Cell:
    operations, indices, used = (found.parts[part] for part in _PARTS)
    names = operations.data if isinstance(operations.data, list) else []
    states = numbers(foreign, indices, "`hiddenstate_indices`")
    if not names or len(names) % 2:
        raise foreign.cell_error("NAS651", "`operations` lists two ops a block", operations.span)
    if len(states) != len(names):
        text = f"there are {len(names)} operations and {len(states)} indices"
        raise foreign.cell_error("NAS651", text, indices.span)
    blocks: list[Block] = []
    for at in range(0, len(names), 2):
        (left, left_span), (right, right_span) = states[at : at + 2]
        made = len(blocks)
        inputs = (
            dialect.state(foreign, left, made, left_span),
            dialect.state(foreign, right, made, right_span),
        )
        ops = [dialect.op(foreign, part.data, part.span) for part in names[at : at + 2]]
        blocks.append(Block(f"b{made}", inputs, (ops[0], ops[1]), "add"))
    flags = numbers(foreign, used, "`used_hiddenstates`")
    if len(flags) != len(blocks) + 2:
        text = f"`used_hiddenstates` has {len(flags)} entries for {len(blocks)} blocks"
        raise foreign.cell_error(
            "NAS651", text, used.span, "", "it has one a state, the inputs first"
        )
    kept = [
        dialect.state(foreign, index, len(blocks), span)
        for index, (flag, span) in enumerate(flags)
        if not flag
    ]
    return cell_of(found.kind, blocks, kept)


# -- finding the lists --------------------------------------------------------------------


def _lists(python: Python) -> list[_Found]:
    """The lists, grouped by where they are assigned, in order."""
    groups: dict[tuple[int, str], _Found] = {}
    for scope, owners, target, value in _assignments(python.tree.body, ()):
        part = next((part for part in _PARTS if target.endswith(part)), None)
        if part is None or not isinstance(value, ast.List | ast.Tuple) or not value.elts:
            continue
        prefix = target.removesuffix(part)
        words = (*owners, prefix)
        found = groups.setdefault((scope, prefix), _Found(_kind(words), _name(words)))
        found.parts[part] = python.value(value)
    return list(groups.values())


def _assignments(
    body: list[ast.stmt], owners: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...], str, ast.expr]]:
    """Scope, names around, name and value of every assignment and keyword."""
    scope = id(body)
    for statement in body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                around = owners if name.startswith("__") else (*owners, name)
                yield from _assignments(statement.body, around)
            case ast.If(test=test):
                strings = [
                    node.value
                    for node in ast.walk(test)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                ]
                yield from _assignments(statement.body, (*owners, *strings[-1:]))
                yield from _assignments(statement.orelse, owners)
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
                yield scope, owners, name, value
        for node in ast.walk(statement) if isinstance(statement, ast.Expr | ast.Assign) else ():
            if isinstance(node, ast.keyword) and node.arg:
                yield scope, owners, node.arg, node.value


def _kind(words: tuple[str, ...]) -> str:
    return "reduction" if any("reduc" in word.lower() for word in words) else "normal"


def _name(words: tuple[str, ...]) -> str | None:
    """What the surroundings are called, without the words that say which cell it is."""
    for word in reversed(words):
        bare = word.strip("_").removeprefix("get_")
        short = _WORDS.sub("", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare)).strip("_")
        if short:
            return short
    return None


# -- writing ------------------------------------------------------------------------------


def write_slim(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The lists of both cells, as Python. Raises as `write` of DARTS does."""
    return _write(genotype, SLIM)


def write_amoebanet(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The lists of both cells, as Python. Raises as `write` of DARTS does."""
    return _write(genotype, AMOEBANET)


def _write(genotype: Genotype, dialect: Dialect) -> tuple[str, list[Diagnostic]]:
    names = dialect.op_names(genotype)
    lines = []
    normal, reduction = genotype.cell("normal"), genotype.cell("reduction")
    if normal is None or (reduction is None and dialect is not SLIM):
        both_cells(dialect.title, genotype)
    for cell in (normal, reduction):
        if cell is None:
            continue
        kept = set(concatenated(dialect.title, cell))
        if len(kept) < len(cell.output_states):
            raise CellError((cannot_hold(dialect.title, "a state that is concatenated twice"),))
        operations = [names[op] for block in cell.blocks for op in block.ops]
        indices = [dialect.index(cell, state) for block in cell.blocks for state in block.inputs]
        concatenates = {dialect.index(cell, state) for state in kept}
        used = [int(index not in concatenates) for index in range(len(cell.blocks) + 2)]
        for part, value in zip(_PARTS, (operations, indices, used), strict=True):
            lines.append(f"{genotype.name}_{cell.kind}_{part} = {value}")
    return "\n".join(lines) + "\n", _stacked(dialect, genotype.cells).lost(genotype)


_SIGN = r"hiddenstate_indices"
SLIM_FORMAT = Format(
    title="the lists of slim's NASNet and PNASNet", sign=_SIGN, read=read_slim, write=write_slim
)
AMOEBANET_FORMAT = Format(
    title="the lists of AmoebaNet's code", sign=_SIGN, read=read_amoebanet, write=write_amoebanet
)
