"""slim and AmoebaNet: three parallel lists a cell.

They are `operations`, `hiddenstate_indices` and `used_hiddenstates`, wherever a Python text
assigns them: in the constructors of slim's cells, in the branches of AmoebaNet's
`model_specs`, as keywords, or plainly.

Mirrors tensorflow/models, research/slim/nets/nasnet/nasnet_utils.py and tensorflow/tpu,
models/official/amoeba_net: state 0 is h[i], state 1 is h[i-1], blocks follow; `none` is the
identity; states are concatenated where `used_hiddenstates` is 0.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from nasdsl.errors import CellError, Diagnostic, plural
from nasdsl.interop.dialect import Dialect, both_cells, cannot_hold, cell_of, concatenated
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, Python, numbers
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
class _Lists:
    """The lists of one cell, as expressions, and what its surroundings are called."""

    kind: str
    name: str
    parts: dict[str, ast.expr] = field(default_factory=dict)


def find_slim(foreign: Foreign, options: Options) -> list[Entry]:
    """Every genotype of slim's lists; raises `CellError` (NAS651) where there is none."""
    return _find(foreign, SLIM)


def find_amoebanet(foreign: Foreign, options: Options) -> list[Entry]:
    """Every genotype of AmoebaNet's lists; raises `CellError` (NAS651) where there is none."""
    return _find(foreign, AMOEBANET)


def _find(foreign: Foreign, dialect: Dialect) -> list[Entry]:
    python = Python(foreign)
    genotypes: dict[str, list[list[_Lists]]] = {}
    for lists in _lists(python):
        found = genotypes.setdefault(lists.name, [[]])
        # A second normal cell of one name is another genotype.
        if any(other.kind == lists.kind for other in found[-1]):
            found.append([])
        found[-1].append(lists)
    if not genotypes:
        raise foreign.cell_error("NAS651", f"there are no lists called {', '.join(_PARTS)}")
    return [
        Entry(
            name,
            python.span(next(iter(cells[0].parts.values()))),
            partial(_genotype, python, dialect, cells),
        )
        for name, found in genotypes.items()
        for cells in found
    ]


def _genotype(
    python: Python, dialect: Dialect, lists: Sequence[_Lists], foreign: Foreign, name: str
) -> Genotype:
    cells = []
    for found in lists:
        lacking = [part for part in _PARTS if part not in found.parts]
        if lacking:
            place = python.span(next(iter(found.parts.values())))
            raise foreign.cell_error("NAS651", f"`{lacking[0]}` is missing beside this", place)
        parts = [python.value(found.parts[part]) for part in _PARTS]
        cells.append(_cell(foreign, dialect, found.kind, parts))
    name = genotype_name(name, f"{dialect.title.lower()}_cell")
    return _dialect_of_cells(dialect, cells).genotype(name, cells)


def _dialect_of_cells(dialect: Dialect, cells: Sequence[Cell]) -> Dialect:
    """Slim's PNASNet has one cell for both roles, and a skeleton of its own."""
    alone = dialect is SLIM and [cell.kind for cell in cells] == ["normal"]
    return replace(dialect, skeleton="pnasnet") if alone else dialect


def _cell(foreign: Foreign, dialect: Dialect, kind: str, parts: Sequence[LiteralValue]) -> Cell:
    operations, indices, used = parts
    names = operations.data if isinstance(operations.data, list) else []
    states = numbers(foreign, indices, "`hiddenstate_indices`")
    if not names or len(names) % 2:
        raise foreign.cell_error("NAS651", "`operations` lists two ops per block", operations.span)
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
        has = f"{plural(len(flags), 'flag')} for {plural(len(blocks), 'block')}"
        text = f"`used_hiddenstates` has {has}"
        raise foreign.cell_error(
            "NAS651", text, used.span, "", "it has one per state, the inputs first"
        )
    kept = [
        dialect.state(foreign, index, len(blocks), span)
        for index, (flag, span) in enumerate(flags)
        if not flag
    ]
    return cell_of(kind, blocks, kept)


# -- finding the lists --------------------------------------------------------------------


def _lists(python: Python) -> list[_Lists]:
    """The lists, grouped by where they are assigned, in order."""
    current: dict[tuple[int, str], _Lists] = {}
    found: list[_Lists] = []
    for scope, owners, target, value in _assignments(python.tree):
        part = next((part for part in _PARTS if target.endswith(part)), None)
        if part is None or not isinstance(value, ast.List | ast.Tuple) or not value.elts:
            continue
        prefix = target.removesuffix(part)
        words = (*owners, prefix)
        lists = current.get((scope, prefix))
        # Where a list is assigned again, another cell begins.
        if lists is None or part in lists.parts:
            lists = current[scope, prefix] = _Lists(_kind(words), _name(words))
            found.append(lists)
        lists.parts[part] = value
    return found


def _assignments(tree: ast.Module) -> Iterator[tuple[int, tuple[str, ...], str, ast.expr]]:
    """Scope, names around, name and value of every assignment and keyword, in order."""

    def inside(body: Sequence[ast.stmt], owners: tuple[str, ...]) -> None:
        todo.extend((statement, id(body), owners) for statement in reversed(body))

    todo: list[tuple[ast.stmt, int, tuple[str, ...]]] = []
    inside(tree.body, ())
    while todo:
        statement, scope, owners = todo.pop()
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                inside(statement.body, owners if name.startswith("__") else (*owners, name))
            case ast.If(test=test):
                strings = [
                    node.value
                    for node in ast.walk(test)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                ]
                inside(statement.orelse, owners)
                inside(statement.body, (*owners, *strings[-1:]))
            case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
                yield scope, owners, name, value
        for node in ast.walk(statement) if isinstance(statement, ast.Expr | ast.Assign) else ():
            if isinstance(node, ast.keyword) and node.arg:
                yield scope, owners, node.arg, node.value


def _kind(words: tuple[str, ...]) -> str:
    """The kind that the innermost word says last: `reduced_net_normal_` is of a normal cell."""
    for word in reversed(words):
        kinds = re.findall(r"normal|reduc", word.lower())
        if kinds:
            return "normal" if kinds[-1] == "normal" else "reduction"
    return "normal"


def _name(words: tuple[str, ...]) -> str:
    """What the surroundings are called, without the words that say which cell it is."""
    for word in reversed(words):
        bare = word.strip("_").removeprefix("get_")
        short = _WORDS.sub("", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare)).strip("_")
        if short:
            return short
    return ""


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
    return "\n".join(lines) + "\n", _dialect_of_cells(dialect, genotype.cells).losses(genotype)


_SIGN = r"hiddenstate_indices"
SLIM_FORMAT = Format(
    title="the lists of slim's NASNet and PNASNet", sign=_SIGN, find=find_slim, write=write_slim
)
AMOEBANET_FORMAT = Format(
    title="the lists of AmoebaNet's code", sign=_SIGN, find=find_amoebanet, write=write_amoebanet
)
