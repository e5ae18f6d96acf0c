"""Layers: primitives with their shapes, before they have a name and inputs.

Purpose: small makers of nodes, and the lowering of a vocabulary's chains to them.
Non-goals: which layers a skeleton wants, names and wiring (`nasdsl.network.cells`).

A chain is a tuple of nodes with empty names and no inputs, each reading the one before.
"""

from functools import lru_cache

from nasdsl.language.genotype.vocabulary import Layer
from nasdsl.primitives import PRIMITIVES, SHORTHANDS, Node, Padding, Shape

Chain = tuple[Node, ...]


def pointwise(primitive: str, shape: Shape) -> Node:
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
    channels = Shape(filters, 1, 1)
    return _shaped(Node("", "conv", (), shape, channels, kernel, (stride, stride), 1, padding))


def halved(shape: Shape, filters: int) -> Node:
    """A factorized reduction to `filters` channels; it rounds odd sizes up, as slim's does."""
    channels = Shape(filters, 1, 1)
    return _shaped(Node("", "factorized_reduce", (), shape, channels, (1, 1), (2, 2)))


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


@lru_cache(4096)
def lowered(layers: tuple[Layer, ...], shape: Shape, stride: int, filters: int) -> Chain:
    """A vocabulary's chain at concrete shapes; some layers leave no node, or another."""
    chain = []
    for layer in layers:
        node = PRIMITIVES[_primitive(layer)].becomes(_node(layer, shape, stride, filters))
        if node is None:
            continue
        chain.append(_shaped(node))
        shape = chain[-1].shape
    return tuple(chain)


def _primitive(layer: Layer) -> str:
    short = SHORTHANDS.get(layer.primitive)
    return short.primitive if short else layer.primitive


def _node(layer: Layer, shape: Shape, stride: int, filters: int) -> Node:
    """The layer as a node whose shape has its channels only."""
    step_y, step_x = (stride if takes else 1 for takes in layer.stride)
    return Node(
        "",
        _primitive(layer),
        (),
        shape,
        Shape(filters // layer.divisor, 1, 1),
        layer.kernel,
        (step_y, step_x),
        layer.dilation,
        layer.padding,
        layer.count_padding,
        layer.zero_padded,
    )


def _shaped(node: Node) -> Node:
    shape = PRIMITIVES[node.primitive].shape(node, (node.before,))
    assert shape is not None, f"{node.primitive} reads one state"
    return node._replace(shape=shape)
