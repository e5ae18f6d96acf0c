"""The table: what each primitive of the graph is called in generated PyTorch.

Purpose: one entry a primitive: layers become expressions that make a module; the others are
written into a `forward` by the emission of cells and of the network.
Non-goals: which layers go together (`chains`), names and wiring (`cells`, `network`).
"""

from collections.abc import Callable
from typing import NamedTuple

from nasdsl.primitives import Node
from nasdsl_backends.source.code import Expression, call


class StrideText(NamedTuple):
    """A stride that may be a number or the variable `stride`, vertically and horizontally."""

    y: str = "1"
    x: str = "1"

    @property
    def text(self) -> str:
        """The argument."""
        return self.y if self.y == self.x else f"({self.y}, {self.x})"

    @property
    def optional(self) -> str:
        """The argument where its default is 1."""
        return "" if self.text == "1" else self.text


class LayerText(NamedTuple):
    """A node whose channels and stride are expressions.

    Attributes:
        node: the kernel, the padding, ...
        inputs: the channels that come in.
        channels: the channels that go out.
        step: the stride.
        used: the helpers the file needs; makers add to it.
    """

    node: Node
    inputs: str
    channels: str
    step: StrideText
    used: set[str]

    def helper(self, name: str) -> str:
        """`name`, noted as used."""
        self.used.add(name)
        return name


def _relu(layer: LayerText) -> Expression:
    return "nn.ReLU()"


def _identity(layer: LayerText) -> Expression:
    return "nn.Identity()"


def _conv(layer: LayerText) -> Expression:
    node, pads = layer.node, _fixed_pads(layer)
    return call(
        "nn.Conv2d" if pads else layer.helper("SameConv2d"),
        layer.inputs,
        layer.channels,
        _pair(node.kernel),
        layer.step.optional,
        padding=_pair(pads) if pads and any(pads) else "",
        dilation=str(node.dilation) if node.dilation > 1 else "",
        groups=layer.inputs if node.primitive == "depthwise" else "",
        bias="False",
    )


def _batch_norm(layer: LayerText) -> Expression:
    return call(layer.helper("batch_norm"), layer.channels)


def _layer_norm(layer: LayerText) -> Expression:
    return call(layer.helper("ChannelNorm"), "1", layer.channels, "EPSILON")


def _instance_norm(layer: LayerText) -> Expression:
    return call(layer.helper("ChannelNorm"), layer.channels, layer.channels, "EPSILON")


def _avg_pool(layer: LayerText) -> Expression:
    node, pads = layer.node, _fixed_pads(layer)
    kernel, counts = _pair(node.kernel), node.count_padding
    if pads is None:
        name = layer.helper("SameAvgPool2d")
        return call(name, kernel, layer.step.text, count_padding="True" if counts else "")
    padded = any(pads)
    return call(
        "nn.AvgPool2d",
        kernel,
        layer.step.text,
        padding=_pair(pads) if padded else "",
        count_include_pad="False" if padded and not counts else "",
    )


def _max_pool(layer: LayerText) -> Expression:
    node, pads = layer.node, _fixed_pads(layer)
    kernel, step = _pair(node.kernel), layer.step.text
    if pads is None:
        border = "0.0" if node.zero_padded else ""
        return call(layer.helper("SameMaxPool2d"), kernel, step, border=border)
    if any(pads) and node.zero_padded:
        y, x = pads
        border = f"nn.ZeroPad2d(({x}, {x}, {y}, {y}))"
        return call("nn.Sequential", border, call("nn.MaxPool2d", kernel, step))
    return call("nn.MaxPool2d", kernel, step, padding=_pair(pads) if any(pads) else "")


def _factorized_reduce(layer: LayerText) -> Expression:
    return call(layer.helper("FactorizedReduce"), layer.inputs, layer.channels)


def _zero(layer: LayerText) -> Expression:
    return call(layer.helper("Zero"), layer.channels, layer.step.optional)


def _global_avg_pool(layer: LayerText) -> Expression:
    return "nn.AdaptiveAvgPool2d(1)"


def _dropout(layer: LayerText) -> Expression:
    return "nn.Dropout(DROPOUT)"


def _linear(layer: LayerText) -> Expression:
    if layer.node.bias:
        return call("nn.Linear", layer.inputs, layer.channels)
    return call("nn.Linear", layer.inputs, layer.channels, bias="False")


class SourceEmission(NamedTuple):
    """What a primitive becomes: one of the first three.

    Attributes:
        layer: makes an expression for a module.
        join: a line of a `forward`; where layers follow in the same part, the helper that
            begins their chain.
        around: the helper that is written around a path in a `forward`.
        fixed_stride: whether its layer takes no stride because only one is possible.
    """

    layer: Callable[[LayerText], Expression] | None = None
    join: str = ""
    around: str = ""
    fixed_stride: bool = False


EMISSIONS: dict[str, SourceEmission] = {
    "relu": SourceEmission(_relu),
    "conv": SourceEmission(_conv),
    "depthwise": SourceEmission(_conv),
    "batch_norm": SourceEmission(_batch_norm),
    "layer_norm": SourceEmission(_layer_norm),
    "instance_norm": SourceEmission(_instance_norm),
    "avg_pool": SourceEmission(_avg_pool),
    "max_pool": SourceEmission(_max_pool),
    "factorized_reduce": SourceEmission(_factorized_reduce, fixed_stride=True),
    "zero": SourceEmission(_zero),
    "identity": SourceEmission(_identity),
    "sum": SourceEmission(join="Add"),
    "concat": SourceEmission(join="Concat"),
    "drop_path": SourceEmission(around="drop_path"),
    "global_avg_pool": SourceEmission(_global_avg_pool),
    "dropout": SourceEmission(_dropout),
    "linear": SourceEmission(_linear),
}


def expression(layer: LayerText) -> Expression:
    """The expression that makes a layer's module."""
    make = EMISSIONS[layer.node.primitive].layer
    assert make is not None, layer.node
    return make(layer)


def _fixed_pads(layer: LayerText) -> tuple[int, int] | None:
    """Pixels at both ends, vertically and horizontally, where the input's size does not matter."""
    node = layer.node
    if node.padding == "valid":
        return 0, 0
    (tall, wide), dilation = node.kernel, node.dilation
    if node.padding == "symmetric":
        return dilation * (tall // 2), dilation * (wide // 2)
    reach = dilation * (tall - 1), dilation * (wide - 1)
    fixed = all(
        pixels == 0 or (step == "1" and pixels % 2 == 0)
        for pixels, step in zip(reach, layer.step, strict=True)
    )
    return (reach[0] // 2, reach[1] // 2) if fixed else None


def _pair(values: tuple[int, int]) -> str:
    return str(values[0]) if values[0] == values[1] else f"({values[0]}, {values[1]})"
