"""Chains: the layers of one op, as a function that makes them.

Purpose: ops of a network that differ only in channels and stride share one function with
parameters, as a person would have written it.
Non-goals: cells, which call these functions (`cells`).

Channels that a layer sets are found again as a share of the cell's filters; what a function
is given and what it sets are expressions over its parameters. Wherever two chains differ in
more, there are two functions.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nasdsl.network.graph import Body, Part
from nasdsl.primitives import PRIMITIVES, Node
from nasdsl_backends.source.code import Expression, call, indented, laid_out
from nasdsl_backends.source.emission import EMISSIONS, LayerText, StrideText, expression
from nasdsl_backends.source.words import identifier, prose

#: Shares of the filters, the likeliest first.
_DIVISORS = (1, 2, 4, 8, 16, *(n for n in range(3, 129) if n not in (4, 8, 16)))
_ONE = (1, 1)

Key = tuple[object, ...]


def filters_text(channels: int, filters: int) -> str:
    """The channels a layer sets, as a share of the cell's filters where they are one."""
    for divisor in _DIVISORS:
        if filters // divisor == channels:
            return "filters" if divisor == 1 else f"filters // {divisor}"
    return str(channels)


def layers_of(part: Part) -> tuple[Node, ...]:
    """The nodes of a part that become modules: neither joins nor what stands around."""
    joins = part.nodes and EMISSIONS[part.nodes[0].primitive].join
    kept = part.nodes[1:] if joins else part.nodes
    if kept and EMISSIONS[kept[-1].primitive].around:
        kept = kept[:-1]
    return () if [node.primitive for node in kept] == ["identity"] else kept


def is_chain(part: Part) -> bool:
    """Whether every node of a part but the first reads the one before it."""
    pairs = zip(part.nodes, part.nodes[1:], strict=False)
    return all(later.inputs == (earlier.name,) for earlier, later in pairs)


def _set_channels(node: Node, filters: int) -> str:
    """The channels a layer sets; empty where it keeps those that come in."""
    sets = PRIMITIVES[node.primitive].sets_channels
    return filters_text(node.shape.channels, filters) if sets else ""


def nodes_key(nodes: Sequence[Node], filters: int) -> Key:
    """What the text of layers depends on, but for the stride and the cell's filters."""
    return tuple(
        (
            node.primitive,
            node.kernel,
            node.dilation,
            node.padding,
            node.count_padding,
            node.zero_padded,
            _set_channels(node, filters),
        )
        for node in nodes
    )


def strides_of(nodes: Sequence[Node]) -> tuple[tuple[int, int], ...]:
    """The strides that a cell chooses."""
    return tuple(_ONE if EMISSIONS[n.primitive].fixed_stride else n.stride for n in nodes)


def emitted(
    nodes: Sequence[Node], inputs: str, filters: int, used: set[str], stride: str = ""
) -> tuple[list[Expression], str]:
    """The layers as expressions, and the channels that come out.

    Args:
        nodes: the chain.
        inputs: the channels that come in.
        filters: the cell's filters, to find `filters` in the chain.
        used: the helpers that are needed; more are added.
        stride: the variable to write for strides that are not 1; "" for numbers.
    """
    made: list[Expression] = []
    for node, strides in zip(nodes, strides_of(nodes), strict=True):
        channels = _set_channels(node, filters) or inputs
        step = StrideText(*(stride if stride and n != 1 else str(n) for n in strides))
        made.append(expression(LayerText(node, inputs, channels, step, used)))
        inputs = channels
    return made, inputs


@dataclass(slots=True)
class ChainFunction:
    """A function of the generated file.

    Attributes:
        name: its name.
        title: what its docstring says.
        nodes: the layers of the use with the stride, if any has one.
        filters: the cell's filters in that use.
        strided: whether it takes the stride as an argument.
    """

    name: str
    title: str
    nodes: tuple[Node, ...]
    filters: int
    strided: bool = False
    _parameters: tuple[str, ...] = ()

    def lines(self, used: set[str]) -> list[str]:
        """The function."""
        made, _ = emitted(
            self.nodes, "channels", self.filters, used, "stride" if self.strided else ""
        )
        body = laid_out("return ", call("nn.Sequential", *made)._replace(tall=len(made) > 1))
        given = [f"{name}: int" for name in self.parameters]
        given += ["stride: int = 1"] if self.strided else []
        head = laid_out("", call(f"def {self.name}", *given), " -> nn.Sequential:")
        return [*head, f'    """{self.title}"""', *indented(body)]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those of `channels` and `filters` that its layers need."""
        if not self._parameters:
            made, _ = emitted(self.nodes, "channels", self.filters, set())
            text = "\n".join(line for layer in made for line in laid_out("", layer))
            named = tuple(n for n in ("channels", "filters") if re.search(rf"\b{n}\b", text))
            self._parameters = named or ("",)
        return tuple(name for name in self._parameters if name)

    def result(self, channels: str) -> str:
        """The channels it gives where it is given `channels`: theirs, or the filters' share."""
        return emitted(self.nodes, channels, self.filters, set())[1]

    def called(self, nodes: Sequence[Node], channels: str) -> Expression:
        """A call that makes the layers of one use."""
        values = {"channels": channels, "filters": "filters"}
        given = [values[name] for name in self.parameters]
        steps = {n for stride in strides_of(nodes) for n in stride} - {1}
        stride = str(max(steps)) if self.strided and steps else ""
        return call(self.name, *given, stride=stride)


@dataclass(slots=True)
class ChainFunctions:
    """The functions of a file, by what they make."""

    _found: dict[Key, ChainFunction] = field(default_factory=dict)

    def of(self, part: Part, filters: int) -> ChainFunction | None:
        """The function for a part; None where the part has no layers."""
        nodes = layers_of(part)
        return self._found[_key(part, nodes, filters)] if nodes else None

    def lines(self, used: set[str]) -> list[list[str]]:
        """The functions, in the order of their first use."""
        seen = {id(chain): chain for chain in self._found.values()}
        return [chain.lines(used) for chain in seen.values()]


def chains_of(bodies: Iterable[tuple[Body, int]]) -> ChainFunctions:
    """The functions that make the layers of these bodies; each comes with its filters."""
    uses: dict[Key, dict[tuple[tuple[int, int], ...], tuple[Part, tuple[Node, ...], int]]] = {}
    for body, filters in bodies:
        for part in body.parts:
            nodes = layers_of(part)
            if nodes and part.role != "combine":
                key = _plain_key(part, nodes, filters)
                uses.setdefault(key, {}).setdefault(strides_of(nodes), (part, nodes, filters))
    chains, taken = ChainFunctions(), set[str]()
    for key, by_stride in uses.items():
        plain = next((strides for strides in by_stride if set(strides) == {_ONE}), None)
        strided = [strides for strides in by_stride if strides != plain]
        for strides in strided or ([plain] if plain else []):
            part, nodes, filters = by_stride[strides]
            both = bool(plain) and strides == strided[0] if strided else False
            chain = ChainFunction(
                _name(part, nodes, taken), _title(part, nodes), nodes, filters, both
            )
            chains._found[(*key, strides)] = chain
            if both and plain:
                chains._found[(*key, plain)] = chain
    return chains


def _plain_key(part: Part, nodes: Sequence[Node], filters: int) -> Key:
    return (
        ("op", part.label, nodes_key(nodes, filters))
        if part.role == "op"
        else ("fit", "", nodes_key(nodes, filters))
    )


def _key(part: Part, nodes: Sequence[Node], filters: int) -> Key:
    return (*_plain_key(part, nodes, filters), strides_of(nodes))


def _name(part: Part, nodes: Sequence[Node], taken: set[str]) -> str:
    if part.role == "op":
        return identifier(part.label, taken)
    words = "_".join(node.primitive for node in nodes)
    return identifier(words if len(words) <= 40 else f"fit_by_{len(nodes)}_layers", taken)


def _title(part: Part, nodes: Sequence[Node]) -> str:
    if part.role == "op":
        return f"The op {prose(part.label[:60])}."
    halved = any(EMISSIONS[node.primitive].fixed_stride for node in nodes)
    return (
        "Bring a state to a cell's size and filters."
        if halved
        else ("Bring a state to a cell's filters.")
    )
