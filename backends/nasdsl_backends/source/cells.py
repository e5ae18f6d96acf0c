"""Cells: each distinct body of the graph as a class.

Purpose: bodies that differ only in channels share a class, whose arguments are the filters
and the channels of the states it is given.
Non-goals: the layers of ops (`chains`), where cells stand (`network`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nasdsl.errors import refuse
from nasdsl.network.graph import Body, Module, Node, Part
from nasdsl_backends.source.chains import (
    Chains,
    Key,
    emitted,
    is_chain,
    layers_of,
    nodes_key,
    strides_of,
)
from nasdsl_backends.source.code import (
    Expression,
    call,
    grouped,
    indented,
    laid_out,
)
from nasdsl_backends.source.emission import AROUND, JOINS
from nasdsl_backends.source.words import comment, prose

_WIDTH = 92


class Channels(NamedTuple):
    """A sum of symbols: how many channels a state has, for every use of a class."""

    terms: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, symbol: str) -> "Channels":
        """One symbol."""
        return cls(((symbol, 1),))

    def plus(self, other: "Channels") -> "Channels":
        """The sum of both."""
        counts = dict(self.terms)
        for symbol, count in other.terms:
            counts[symbol] = counts.get(symbol, 0) + count
        return Channels(tuple(counts.items()))

    @property
    def text(self) -> str:
        """As an argument."""
        return " + ".join(
            s if n == 1 else f"{n} * ({s})" if " " in s else f"{n} * {s}" for s, n in self.terms
        )


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
            values[_channels_of(port.name)] = port.shape.channels
        return call(self.name, **{name: str(values[name]) for name in self.arguments})


class _Value(NamedTuple):
    """A state inside a forward: what it is called, its channels, and the text's name of it."""

    variable: str
    channels: Channels
    label: str


def cell_classes(modules: Iterable[Module], chains: Chains) -> list[CellClass]:
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


def class_lines(cell: CellClass, chains: Chains, used: set[str]) -> list[str]:
    """The text of a class; its `drops` and `arguments` are filled in."""
    writer = _Writer(cell.modules[0], chains, used)
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


def _body_key(module: Module, chains: Chains) -> Key:
    """What the text of a class depends on."""
    body, filters = module.body, module.filters
    parts: list[Key] = []
    for part in body.parts:
        if not is_chain(part):
            raise refuse(
                "NAS704",
                "backend `source` writes networks as the language makes them, "
                f"and {part.path or part.label} of `{module.name}` is no chain of layers",
            )
        nodes = layers_of(part)
        joins = part.role == "combine" or not nodes
        made: object = nodes_key(nodes, filters) if joins else id(chains.of(part, filters))
        reads = part.nodes[0].inputs if part.nodes else ()
        ends = [node.primitive for node in (*part.nodes[:1], *part.nodes[-1:])]
        parts.append((*part[:4], made, strides_of(nodes), reads, tuple(ends)))
    ports = tuple(port.name for port in body.ports)
    return module.kind, module.stride, ports, tuple(parts), body.outputs


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


def _channels_of(port: str) -> str:
    return f"in{port.removeprefix('h')}"


# -- text -----------------------------------------------------------------------------------


class _Writer:
    """Writes the constructor and the forward of one class."""

    def __init__(self, module: Module, chains: Chains, used: set[str]) -> None:
        self.module, self.chains, self.used = module, chains, used
        self.body: Body = module.body
        self.filters = module.filters
        self.drops = False
        self.made: list[str] = []
        self.ran: list[str] = []
        self.values: dict[str, _Value] = {
            port.name: _Value(port.name, Channels.of(_channels_of(port.name)), _hidden(port.name))
            for port in self.body.ports
        }

    def symbols(self) -> list[str]:
        """The arguments a constructor may have, in order."""
        return ["filters", *(_channels_of(port.name) for port in self.body.ports)]

    def write(self) -> None:
        """Fill `made`, the lines of the constructor, and `ran`, those of the forward."""
        blocks: dict[str, dict[str, Part]] = {}
        outputs: list[Part] = []
        for part in self.body.parts:
            if part.role == "input":
                self._input(part)
            elif part.role == "output":
                outputs.append(part)
            else:
                path, _, side = part.path.rpartition(".")
                blocks.setdefault(path, {})[side] = part
                if side == "combine":
                    self._block(path, blocks[path])
        self._outputs(outputs)

    def _input(self, part: Part) -> None:
        source = self.values[part.nodes[0].inputs[0]]
        expression, channels = self._chain(part, source.channels)
        self.made += laid_out(f"self.{part.path} = ", expression, inside=2)
        variable = f"x{part.path.removeprefix('input')}"
        self.ran.append(f"{variable} = self.{part.path}({source.variable})")
        self._store(part.nodes[-1], _Value(variable, channels, source.label))

    def _block(self, path: str, parts: Mapping[str, Part]) -> None:
        combine = parts["combine"]
        join = combine.nodes[0]
        ops: dict[str, Expression] = {}
        texts, channels, sources = [], [], []
        for side, read in zip(("left", "right"), join.inputs, strict=True):
            part = parts[side]
            source = self.values[part.nodes[0].inputs[0] if part.nodes else read]
            text, made = source.variable, source.channels
            if layers_of(part):
                ops[side], made = self._chain(part, made)
                text = f"self.{path}.{side}({text})"
            if part.nodes and part.nodes[-1].primitive in AROUND:
                self.drops = True
                self.used.add("drop_path")
                text = f"drop_path({text}, keep)"
            texts.append(text)
            channels.append(made)
            sources.append(source.label)
        joined = (
            channels[0].plus(channels[1]) if join.primitive == "concat" else _simpler(*channels)
        )
        self._check(join, joined)
        result: Expression = (
            f"{texts[0]} + {texts[1]}"
            if join.primitive == "sum"
            else call("torch.cat", grouped(texts), "1")
        )
        if layers_of(combine):
            layers, last = emitted(layers_of(combine), joined.text, self.filters, self.used)
            begins = JOINS[join.primitive]
            self.used.add(begins)
            ops["combine"] = call("nn.Sequential", f"{begins}()", *layers)
            result = call(f"self.{path}.combine", grouped(texts))
            joined = joined if last == joined.text else Channels.of(last)
        if ops:
            self.used.add("Parts")
            self.made += laid_out(f"self.{path} = ", call("Parts", **ops), inside=2)
        fields = [*sources, parts["left"].label, parts["right"].label, combine.label]
        self.ran.append(comment(f"{combine.block} = ({', '.join(fields)})", _WIDTH))
        self.ran += laid_out(f"{path} = ", result, inside=2)
        self._store(combine.nodes[-1], _Value(path, joined, combine.block))

    def _outputs(self, parts: Sequence[Part]) -> None:
        fits: dict[str, Expression] = {}
        last: Expression | None = None
        for part in parts:
            node = part.nodes[-1]
            if node.primitive == "concat":
                states = [self.values[name].variable for name in node.inputs]
                last = call("torch.cat", grouped(states), "1")
                continue
            source = self.values[part.nodes[0].inputs[0]]
            if not layers_of(part):
                self._store(node, source)
                continue
            name = part.path.partition(".")[2]
            fits[name], channels = self._chain(part, source.channels)
            variable = f"fitted_{name}"
            self.ran.append(f"{variable} = self.output.{name}({source.variable})")
            self._store(node, _Value(variable, channels, source.label))
        if fits:
            self.used.add("Parts")
            self.made += laid_out("self.output = ", call("Parts", **fits), inside=2)
        if last is None:
            last = ", ".join(self.values[name].variable for name in self.body.outputs)
        self.ran += laid_out("return ", last, inside=2)

    def _chain(self, part: Part, channels: Channels) -> tuple[Expression, Channels]:
        chain = self.chains.of(part, self.filters)
        assert chain is not None, part.path
        nodes = layers_of(part)
        text = channels.text
        result = chain.result(text)
        return chain.called(nodes, text), channels if result == text else Channels.of(result)

    def _store(self, node: Node, value: _Value) -> None:
        self._check(node, value.channels)
        self.values[node.name] = value

    def _check(self, node: Node, channels: Channels) -> None:
        """Symbols have to mean what the graph says, in every use; here in the first."""
        known = {_channels_of(port.name): port.shape.channels for port in self.body.ports}
        total = 0
        for symbol, count in channels.terms:
            share, _, divisor = symbol.partition(" // ")
            value = self.filters if share == "filters" else known.get(share)
            value = int(share) if value is None else value
            total += count * (value // int(divisor) if divisor else value)
        assert total == node.shape.channels, (node, channels)


def _simpler(left: Channels, right: Channels) -> Channels:
    """Of two ways to say the same, the one that speaks of the cell's own filters."""
    return right if "in" in left.text.replace("filters", "") else left


def _hidden(port: str) -> str:
    back = port.removeprefix("h")
    return "h[i]" if back == "0" else f"h[i-{back}]"
