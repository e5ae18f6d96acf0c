"""Cells: each distinct body of the graph as a class.

Purpose: bodies that differ only in channels share a class, whose arguments are the filters
and the channels of the states it is given.
Non-goals: the layers of ops (`chains`), where cells stand (`network`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nasdsl.errors import cell_error
from nasdsl.network.graph import Module, Part
from nasdsl_backends.source.cell_text import CellText, channels_of
from nasdsl_backends.source.chains import (
    ChainFunctions,
    Key,
    is_chain,
    layers_of,
    nodes_key,
    strides_of,
)
from nasdsl_backends.source.code import (
    Expression,
    call,
    indented,
    laid_out,
)
from nasdsl_backends.source.words import prose

_WIDTH = 92


@dataclass(slots=True)
class CellClass:
    """A class of the generated file, and what an instance is given.

    Attributes:
        name: its name.
        modules: the modules that are instances of it.
        drops: whether its forward takes `keep`.
        arguments: names of the constructor's arguments.
    """

    name: str
    modules: list[Module]
    drops: bool = False
    arguments: list[str] = field(default_factory=list)

    def made(self, module: Module) -> Expression:
        """The expression that makes one of its modules."""
        values = {"filters": module.filters}
        for port in module.body.ports:
            values[channels_of(port.name)] = port.shape.channels
        return call(self.name, **{name: str(values[name]) for name in self.arguments})


def cell_classes(modules: Iterable[Module], chains: ChainFunctions) -> list[CellClass]:
    """The classes of the cells, in the order of their first use."""
    groups: dict[Key, list[Module]] = {}
    keys: dict[int, Key] = {}
    for module in modules:
        body = id(module.body)
        if body not in keys:
            keys[body] = _body_key(module, chains)
        groups.setdefault(keys[body], []).append(module)
    taken: set[str] = set()
    return [CellClass(_class_name(members, taken), members) for members in groups.values()]


def class_lines(cell: CellClass, chains: ChainFunctions, used: set[str]) -> list[str]:
    """The text of a class; its `drops` and `arguments` are filled in."""
    writer = CellText(cell.modules[0], chains, used)
    writer.write()
    cell.drops = writer.drops
    cell.arguments = [
        name
        for name in writer.symbols()
        if any(re.search(rf"\b{name}\b", line) for line in writer.made)
    ]
    body = cell.modules[0].body
    given = ["self", *(f"{name}: int" for name in cell.arguments)]
    taken = ["self", *(f"{port.name}: Tensor" for port in body.ports)]
    if cell.drops:
        taken.append("keep: Tensor | None = None")
    result = "Tensor" if len(body.outputs) == 1 else "tuple[Tensor, ...]"
    return [
        f"class {cell.name}(nn.Module):",
        *indented(_docstring(cell)),
        "",
        *laid_out("", call("def __init__", *given), " -> None:", 1),
        *indented(["super().__init__()", *writer.made], 2),
        "",
        *laid_out("", call("def forward", *taken), f" -> {result}:", 1),
        *indented(writer.ran, 2),
    ]


# -- keys and names -----------------------------------------------------------------------


def _body_key(module: Module, chains: ChainFunctions) -> Key:
    """What the text of a class depends on."""
    body, filters = module.body, module.filters
    _ensure_plain(module)
    parts: list[Key] = []
    for part in body.parts:
        nodes = layers_of(part)
        joins = part.role == "combine" or not nodes
        made: object = nodes_key(nodes, filters) if joins else id(chains.of(part, filters))
        reads = part.nodes[0].inputs if part.nodes else ()
        ends = [node.primitive for node in (*part.nodes[:1], *part.nodes[-1:])]
        parts.append((*part[:4], made, strides_of(nodes), reads, tuple(ends)))
    ports = tuple(port.name for port in body.ports)
    return module.kind, module.stride, ports, tuple(parts), body.outputs


def _ensure_plain(module: Module) -> None:
    """Refuse a cell that is not as the expansion makes it: passes may have rewritten it.

    An op is a chain that reads a port, an input that was prepared or a block; a combine reads
    its own two ops, or what they read where they pass it on.
    """
    states = {port.name for port in module.body.ports}
    plain = all(re.fullmatch(r"h\d+", name) for name in states)
    ops: list[str] = []
    for part in module.body.parts:
        plain = plain and is_chain(part) and _is_numbered(part)
        made = part.nodes[-1].name if part.nodes else ""
        if part.role == "combine":
            pairs = zip(part.nodes[0].inputs if part.nodes else (), ops, strict=False)
            joins = [name == op or (not op and name in states) for name, op in pairs]
            plain = plain and joins == [True, True]
            ops.clear()
        else:
            plain = plain and states.issuperset(part.nodes[0].inputs if part.nodes else ())
        if part.role == "op":
            ops.append(made)
        else:
            states.add(made)
    if not plain or not states.issuperset(module.body.outputs):
        raise cell_error(
            "NAS704",
            f"backend `source` writes networks as people do, and a pass has rewritten "
            f"`{module.name}`",
            "an empty `--passes` runs none",
        )


def _is_numbered(part: Part) -> bool:
    """Whether the nodes have the names that their places in the chain give them."""
    numbered = [f"{part.path}.{index}" for index in range(len(part.nodes))]
    others = (f"{part.path}.drop_path", f"{part.path}.concat")
    return all(
        node.name == name or (node is part.nodes[-1] and node.name in others)
        for node, name in zip(part.nodes, numbered, strict=True)
    )


def _class_name(modules: Sequence[Module], taken: set[str]) -> str:
    first = modules[0]
    name = "ReductionCell" if first.kind == "reduction" else "NormalCell"
    if first.kind == "normal" and first.stride > 1:
        name = f"Strided{name}"
    if all(module.name.startswith("stem_cells.") for module in modules):
        name = f"Stem{name}"
    halves = any(
        node.primitive == "factorized_reduce"
        for part in first.body.parts
        for node in part.nodes
        if part.role == "input"
    )
    if halves and not name.startswith("Stem"):
        name = f"{name}AfterReduction"
    free, number = name, 2
    while free in taken:
        free, number = f"{name}{number}", number + 1
    taken.add(free)
    return free


def _docstring(cell: CellClass) -> list[str]:
    first = cell.modules[0]
    what = f"{first.kind} cell" + (f" of stride {first.stride}" if first.stride > 1 else "")
    names = prose(_ranges([module.name for module in cell.modules]))
    if len(names) > _WIDTH - len(what) - 12:
        names = f"{len(cell.modules)} cells from {first.name} on"
    return [f'"""The {what}: {names}."""']


def _ranges(names: Sequence[str]) -> str:
    """`cells.0, cells.2 to 5`."""
    runs: list[list[str]] = []
    for name in names:
        head, _, number = name.rpartition(".")
        if runs and number.isdigit() and runs[-1][-1] == f"{head}.{int(number) - 1}":
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(
        run[0] if len(run) == 1 else f"{run[0]} to {run[-1].rpartition('.')[2]}" for run in runs
    )
