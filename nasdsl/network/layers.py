"""Layers: primitives with their shapes, before they have a name and inputs.

Purpose: small makers of nodes, and the lowering of a vocabulary's chains to them.
Non-goals: which layers a skeleton wants, names and wiring (`nasdsl.network.cells`).

A chain is a tuple of nodes with empty names and no inputs, each reading the one before.
"""

from nasdsl.language.genotype.vocabulary import Layer
from nasdsl.network.graph import Node, Padding, Primitive, Shape
from nasdsl.network.shapes import window_size

Chain = tuple[Node, ...]


def pointwise(primitive: Primitive, shape: Shape) -> Node:
    """A primitive that keeps its input's shape: relu, norms, dropout, identity, ..."""
    return Node("", primitive, (), shape, shape)


def convolution(
    shape: Shape,
    filters: int,
    kernel: tuple[int, int] = (1, 1),
    stride: int = 1,
    padding: Padding = "same",
) -> Node:
    """A convolution to `filters` channels."""
    size = [
        window_size(pixels, taps, stride, 1, padding)
        for pixels, taps in zip(shape[1:], kernel, strict=True)
    ]
    made = Shape(filters, size[0], size[1])
    return Node("", "conv", (), shape, made, kernel, (stride, stride), 1, padding)


def halved(shape: Shape, filters: int) -> Node:
    """A factorized reduction to `filters` channels; it rounds odd sizes up, as slim's does."""
    made = Shape(filters, -(-shape.height // 2), -(-shape.width // 2))
    return Node("", "factorized_reduce", (), shape, made, (1, 1), (2, 2))


def relu_convolution_norm(shape: Shape, filters: int) -> Chain:
    """ReLU, 1x1 convolution, batch norm: how slim and DARTS change channels."""
    project = convolution(shape, filters)
    return (
        pointwise("relu", shape),
        project,
        pointwise("batch_norm", project.shape),
    )


def relu_halved_norm(shape: Shape, filters: int) -> Chain:
    """ReLU, factorized reduction, batch norm: how slim and DARTS halve an older state."""
    return (pointwise("relu", shape), *halved_norm(shape, filters))


def halved_norm(shape: Shape, filters: int) -> Chain:
    """Factorized reduction and batch norm, without ReLU."""
    reduce = halved(shape, filters)
    return reduce, pointwise("batch_norm", reduce.shape)


def convolution_norm(shape: Shape, filters: int) -> Chain:
    """1x1 convolution and batch norm: slim's factorized reduction at stride 1."""
    project = convolution(shape, filters)
    return project, pointwise("batch_norm", project.shape)


def lowered(layers: tuple[Layer, ...], shape: Shape, stride: int, filters: int) -> Chain:
    """A vocabulary's chain at concrete shapes.

    `identity` leaves no node. `pointwise` is a 1x1 `conv`, and so is `factorized_reduce` at
    stride 1 (slim: one convolution, nothing to reduce).
    """
    chain = []
    for layer in layers:
        if layer.primitive == "identity":
            continue
        node = _lowered_layer(layer, shape, stride, filters)
        chain.append(node)
        shape = node.shape
    return tuple(chain)


def _lowered_layer(layer: Layer, shape: Shape, stride: int, filters: int) -> Node:
    name, wide = layer.primitive, filters // layer.divisor
    if name == "pointwise":
        return convolution(shape, wide)
    if name == "factorized_reduce":
        return convolution(shape, wide) if stride == 1 else halved(shape, wide)
    if name in _KEEPS_SHAPE:
        return pointwise(_KEEPS_SHAPE[name], shape)
    step_y, step_x = (stride if takes else 1 for takes in layer.stride)
    if name == "zero":
        made = Shape(wide, -(-shape.height // step_y), -(-shape.width // step_x))
        return Node("", "zero", (), shape, made, (1, 1), (step_y, step_x))
    kernel_y, kernel_x = layer.kernel
    made = Shape(
        wide if name == "conv" else shape.channels,
        window_size(shape.height, kernel_y, step_y, layer.dilation, layer.padding),
        window_size(shape.width, kernel_x, step_x, layer.dilation, layer.padding),
    )
    return Node(
        "",
        _WINDOWED[name],
        (),
        shape,
        made,
        layer.kernel,
        (step_y, step_x),
        layer.dilation,
        layer.padding,
        layer.count_padding,
        layer.zero_padded,
    )


_KEEPS_SHAPE: dict[str, Primitive] = {
    "relu": "relu",
    "batch_norm": "batch_norm",
    "layer_norm": "layer_norm",
    "instance_norm": "instance_norm",
}
_WINDOWED: dict[str, Primitive] = {
    "conv": "conv",
    "depthwise": "depthwise",
    "avg_pool": "avg_pool",
    "max_pool": "max_pool",
}
