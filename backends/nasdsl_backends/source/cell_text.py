"""The constructor and the forward of one cell class.

Purpose: lines of code for the parts of a body, with channels as sums of symbols, so that the
same lines serve cells of every width.
Non-goals: which cells share a class (`cells`), the layers of ops (`chains`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nasdsl.network.graph import Body, Module, Node, Part
from nasdsl_backends.source.chains import ChainFunctions, emitted, layers_of
from nasdsl_backends.source.code import WIDTH, Expression, call, grouped, laid_out
from nasdsl_backends.source.emission import EMISSIONS
from nasdsl_backends.source.words import comment

#: Columns of a line inside a method.
_WIDTH = WIDTH - 8


class ChannelSum(NamedTuple):
    """A sum of symbols: how many channels a state has, for every use of a class."""

    terms: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, symbol: str) -> "ChannelSum":
        """One symbol."""
        return cls(((symbol, 1),))

    def plus(self, other: "ChannelSum") -> "ChannelSum":
        """The sum of both."""
        counts = dict(self.terms)
        for symbol, count in other.terms:
            counts[symbol] = counts.get(symbol, 0) + count
        return ChannelSum(tuple(counts.items()))

    @property
    def text(self) -> str:
        """As an argument."""
        return " + ".join(
            s if n == 1 else f"{n} * ({s})" if " " in s else f"{n} * {s}" for s, n in self.terms
        )


class _Value(NamedTuple):
    """A state inside a forward: what it is called, its channels, and the text's name of it."""

    variable: str
    channels: ChannelSum
    label: str


class CellText:
    """Writes the constructor and the forward of one class.

    Attributes:
        made: the lines of the constructor.
        ran: the lines of the forward.
        drops: whether paths may be dropped.
    """

    def __init__(self, module: Module, chains: ChainFunctions, used: set[str]) -> None:
        self.module, self.chains, self.used = module, chains, used
        self.body: Body = module.body
        self.filters = module.filters
        self.drops = False
        self.made: list[str] = []
        self.ran: list[str] = []
        self.values: dict[str, _Value] = {
            port.name: _Value(port.name, ChannelSum.of(channels_of(port.name)), _hidden(port.name))
            for port in self.body.ports
        }

    def symbols(self) -> list[str]:
        """The arguments a constructor may have, in order."""
        return ["filters", *(channels_of(port.name) for port in self.body.ports)]

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
        if part.nodes[-1].name in self.body.unread:
            self.ran.append(f"self.{part.path}({source.variable})  # nothing reads it")
            return
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
            around = EMISSIONS[part.nodes[-1].primitive].around if part.nodes else ""
            if around:
                self.drops = True
                self.used.add(around)
                text = f"{around}({text}, keep)"
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
            begins = EMISSIONS[join.primitive].join
            self.used.add(begins)
            ops["combine"] = call("nn.Sequential", f"{begins}()", *layers)
            result = call(f"self.{path}.combine", grouped(texts))
            joined = joined if last == joined.text else ChannelSum.of(last)
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
            states = [self.values[name].variable for name in self.body.outputs]
            flat = ", ".join(states)
            last = flat if len(flat) < _WIDTH - len("return ") else grouped(states)
        self.ran += laid_out("return ", last, inside=2)

    def _chain(self, part: Part, channels: ChannelSum) -> tuple[Expression, ChannelSum]:
        chain = self.chains.of(part, self.filters)
        assert chain is not None, part.path
        nodes = layers_of(part)
        text = channels.text
        result = chain.result(text)
        return chain.called(nodes, text), channels if result == text else ChannelSum.of(result)

    def _store(self, node: Node, value: _Value) -> None:
        self._check(node, value.channels)
        self.values[node.name] = value

    def _check(self, node: Node, channels: ChannelSum) -> None:
        """Symbols have to mean what the graph says, in every use; here in the first."""
        known = {channels_of(port.name): port.shape.channels for port in self.body.ports}
        total = 0
        for symbol, count in channels.terms:
            share, _, divisor = symbol.partition(" // ")
            value = self.filters if share == "filters" else known.get(share)
            value = int(share) if value is None else value
            total += count * (value // int(divisor) if divisor else value)
        assert total == node.shape.channels, (node, channels)


def _simpler(left: ChannelSum, right: ChannelSum) -> ChannelSum:
    """Of two ways to say the same, the one that speaks of the cell's own filters."""
    return right if "in" in left.text.replace("filters", "") else left


def _hidden(port: str) -> str:
    back = port.removeprefix("h")
    return "h[i]" if back == "0" else f"h[i-{back}]"


def channels_of(port: str) -> str:
    """What a constructor calls the channels of a port."""
    return f"in{port.removeprefix('h')}"
