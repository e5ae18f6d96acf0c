"""The table of primitives: one record for each layer that the compiler knows.

Purpose: everything that holds for a primitive wherever it stands. The language reads what a
vocabulary may write, networks the shape, the cost and the tensors, passes whether equal
nodes may become one, pictures the colour. A backend has one emission for each name.

A new primitive is a row here and an emission in each backend.

Costs are those of the published tables. Mult-adds are of convolutions and fully connected
layers, for one image; multiplying and adding count as one; biases, normalisations, pools and
sums are left out. Activations are the numbers a primitive writes for one image; what passes
its input through at inference writes none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from nasdsl.primitives.node import Node, Shape, window_size

Sizes = tuple[int, ...]
TensorRole = Literal["parameter", "statistic", "counter"]
#: What an op looks like; `nasdsl.drawing.sketch` says which layer of a chain decides.
PrimitiveLook = Literal[
    "separable", "convolution", "max_pool", "avg_pool", "identity", "zero", "other"
]


class Tensor(NamedTuple):
    """A tensor that a node owns.

    Attributes:
        name: what follows the node's name in a parameter's path.
        sizes: PyTorch's: of a kernel channels out, channels in for each group, height, width.
        role: a trained `parameter`, a moving `statistic`, or a `counter` of batches.
    """

    name: str
    sizes: Sizes
    role: TensorRole = "parameter"


class ArgumentRule(NamedTuple):
    """What a vocabulary may write in a layer's brackets.

    Attributes:
        field: the field of `nasdsl.language.genotype.vocabulary.Layer` that it sets.
        value: what the field becomes; None where the text gives a number.
        most: the largest number.
        example: how it is written.
    """

    field: str
    value: object = None
    most: int = 0
    example: str = ""


ARGUMENTS: dict[str, ArgumentRule] = {
    "stride": ArgumentRule("stride", (True, True)),
    "stride_x": ArgumentRule("stride", (False, True)),
    "stride_y": ArgumentRule("stride", (True, False)),
    "symmetric": ArgumentRule("padding", "symmetric"),
    "count_padding": ArgumentRule("count_padding", True),
    "zero_padded": ArgumentRule("zero_padded", True),
    "dilation": ArgumentRule("dilation", None, 99, "dilation 2"),
    "filters": ArgumentRule("divisor", None, 1024, "filters/4"),
}

#: From a node (all but its shape) and the shapes it reads to the shape it makes; None where
#: it cannot read them.
ShapeRule = Callable[[Node, Sequence[Shape]], Shape | None]


def _nothing(node: Node) -> tuple[Tensor, ...]:
    return ()


def _none(node: Node) -> int:
    return 0


def _itself(node: Node) -> Node | None:
    return node


@dataclass(frozen=True, slots=True)
class Primitive:
    """What is true of a primitive wherever it stands.

    Attributes:
        help: what it computes, in a few words.
        shape: the shape it makes. Where it `sets_channels`, the node's own are taken.
        written: where the language writes it: in a `chain`, at the beginning of a `combine`,
            or nowhere, because only skeletons place it.
        kernel: whether it is written with the size of a kernel.
        arguments: which of `ARGUMENTS` it takes.
        implicit_stride: whether it takes a cell's stride without being marked.
        sets_channels: whether it gives the filters asked for; if not, what its input has.
        becomes: what a layer of a chain is in the graph, where that is another node or none.
        tensors: what it owns, in order.
        mult_adds: what it costs.
        writes: whether it writes its output at inference.
        repeatable: whether equal nodes on equal inputs compute the same, so that one will do:
            it owns nothing and draws nothing at random.
        look: the kind of an op that has it.
    """

    help: str
    shape: ShapeRule
    written: Literal["chain", "combine", ""] = "chain"
    kernel: bool = False
    arguments: tuple[str, ...] = ()
    implicit_stride: bool = False
    sets_channels: bool = False
    becomes: Callable[[Node], Node | None] = _itself
    tensors: Callable[[Node], tuple[Tensor, ...]] = _nothing
    mult_adds: Callable[[Node], int] = _none
    writes: bool = True
    repeatable: bool = False
    look: PrimitiveLook = "other"


# -- shapes -------------------------------------------------------------------------------


def _same_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    return inputs[0] if len(inputs) == 1 else None


def _windows(node: Node, inputs: Sequence[Shape], channels: int) -> Shape | None:
    if len(inputs) != 1:
        return None
    (_, height, width), (kernel_y, kernel_x) = inputs[0], node.kernel
    (stride_y, stride_x), dilation, padding = node.stride, node.dilation, node.padding
    return Shape(
        channels,
        window_size(height, kernel_y, stride_y, dilation, padding),
        window_size(width, kernel_x, stride_x, dilation, padding),
    )


def _convolution_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    return _windows(node, inputs, node.shape.channels)


def _pool_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    return _windows(node, inputs, inputs[0].channels)


def _strided_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    if len(inputs) != 1:
        return None
    height, width = (-(-n // step) for n, step in zip(inputs[0][1:], node.stride, strict=True))
    return Shape(node.shape.channels, height, width)


def _reduction_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    return _strided_shape(node, inputs) if node.stride == (2, 2) else None


def _sum_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    return inputs[0] if len(inputs) > 1 and len(set(inputs)) == 1 else None


def _concat_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    _, height, width = inputs[0]
    if any(shape[1:] != (height, width) for shape in inputs):
        return None
    return Shape(sum(shape.channels for shape in inputs), height, width)


def _mean_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    return Shape(inputs[0].channels, 1, 1) if len(inputs) == 1 else None


def _linear_shape(node: Node, inputs: Sequence[Shape]) -> Shape | None:
    fits = len(inputs) == 1 and inputs[0][1:] == (1, 1)
    return Shape(node.shape.channels, 1, 1) if fits else None


# -- tensors ------------------------------------------------------------------------------


def _kernel(node: Node) -> tuple[Tensor, ...]:
    sizes = node.shape.channels, node.before.channels // node.groups, *node.kernel
    return _weight_and_bias(node, Tensor("weight", sizes))


def _halves(node: Node) -> tuple[Tensor, ...]:
    channels, first = node.before.channels, node.shape.channels // 2
    second = node.shape.channels - first
    halves = (("conv0", first), ("conv1", second)) if first else (("conv1", second),)
    return tuple(
        tensor
        for name, filters in halves
        for tensor in _weight_and_bias(node, Tensor(f"{name}.weight", (filters, channels, 1, 1)))
    )


def _weight_and_bias(node: Node, weight: Tensor) -> tuple[Tensor, ...]:
    bias = Tensor(f"{weight.name.removesuffix('weight')}bias", weight.sizes[:1])
    return (weight, bias) if node.bias else (weight,)


def _scale_and_shift(node: Node) -> tuple[Tensor, ...]:
    return Tensor("weight", (node.shape.channels,)), Tensor("bias", (node.shape.channels,))


def _batch_norm(node: Node) -> tuple[Tensor, ...]:
    channels = (node.shape.channels,)
    return (
        *_scale_and_shift(node),
        Tensor("running_mean", channels, "statistic"),
        Tensor("running_var", channels, "statistic"),
        Tensor("num_batches_tracked", (), "counter"),
    )


def _linear(node: Node) -> tuple[Tensor, ...]:
    return _weight_and_bias(node, Tensor("weight", (node.shape.channels, node.before.channels)))


# -- mult-adds ----------------------------------------------------------------------------


def _convolution_cost(node: Node) -> int:
    taps = node.kernel[0] * node.kernel[1] * (node.before.channels // node.groups)
    return taps * node.shape.elements


def _linear_cost(node: Node) -> int:
    return node.before.channels * node.shape.channels


# -- the table ----------------------------------------------------------------------------


def _no_node(node: Node) -> Node | None:
    return None


def _convolution_at_stride_1(node: Node) -> Node | None:
    """At stride 1 there is nothing to reduce: slim has one 1x1 convolution there."""
    return node if node.stride != (1, 1) else node._replace(primitive="conv")


_SPATIAL = ("stride", "stride_x", "stride_y", "symmetric")

PRIMITIVES: dict[str, Primitive] = {
    "relu": Primitive("max(x, 0)", _same_shape, repeatable=True),
    "conv": Primitive(
        "convolution, no bias",
        _convolution_shape,
        kernel=True,
        arguments=(*_SPATIAL, "dilation", "filters"),
        sets_channels=True,
        tensors=_kernel,
        mult_adds=_convolution_cost,
        look="convolution",
    ),
    "depthwise": Primitive(
        "one filter per channel, no bias",
        _pool_shape,
        kernel=True,
        arguments=(*_SPATIAL, "dilation"),
        tensors=_kernel,
        mult_adds=_convolution_cost,
        look="separable",
    ),
    "batch_norm": Primitive(
        "batch normalisation with scale and shift, and moving statistics",
        _same_shape,
        tensors=_batch_norm,
    ),
    "layer_norm": Primitive(
        "layer normalisation over channels, height and width, with scale and shift per channel",
        _same_shape,
        tensors=_scale_and_shift,
    ),
    "instance_norm": Primitive(
        "instance normalisation over height and width, with scale and shift per channel",
        _same_shape,
        tensors=_scale_and_shift,
    ),
    "avg_pool": Primitive(
        "mean of each window, without its padding unless `count_padding`",
        _pool_shape,
        kernel=True,
        arguments=(*_SPATIAL, "count_padding"),
        repeatable=True,
        look="avg_pool",
    ),
    "max_pool": Primitive(
        "maximum of each window; its padding is minus infinity, zero with `zero_padded`",
        _pool_shape,
        kernel=True,
        arguments=(*_SPATIAL, "zero_padded"),
        repeatable=True,
        look="max_pool",
    ),
    # Of f filters the first convolution gives floor(f / 2) channels of x[::2, ::2], the second
    # the rest of x[1::2, 1::2], whose last row and column are zeros where the image is odd.
    # Both are slim's (`factorized_reduction`: an odd filter is the second path's, and the
    # padding is on the right and at the bottom). With one filter there is no first convolution.
    # Together they cost as much as one convolution.
    "factorized_reduce": Primitive(
        "two 1x1 convolutions of stride 2, the second shifted by a pixel, concatenated",
        _reduction_shape,
        implicit_stride=True,
        sets_channels=True,
        becomes=_convolution_at_stride_1,
        tensors=_halves,
        mult_adds=_convolution_cost,
        look="convolution",
    ),
    "zero": Primitive(
        "zeros",
        _strided_shape,
        implicit_stride=True,
        sets_channels=True,
        repeatable=True,
        look="zero",
    ),
    "identity": Primitive(
        "the input itself",
        _same_shape,
        becomes=_no_node,
        writes=False,
        repeatable=True,
        look="identity",
    ),
    "sum": Primitive("the sum of all inputs", _sum_shape, written="combine", repeatable=True),
    "concat": Primitive(
        "all inputs, concatenated over their channels",
        _concat_shape,
        written="combine",
        repeatable=True,
    ),
    "drop_path": Primitive(
        "the path, or in training zeros at random: ScheduledDropPath", _same_shape, "", writes=False
    ),
    "global_avg_pool": Primitive("mean over height and width", _mean_shape, "", repeatable=True),
    "dropout": Primitive(
        "the features, some of them zeroed at random in training", _same_shape, "", writes=False
    ),
    "linear": Primitive(
        "fully connected layer",
        _linear_shape,
        "",
        sets_channels=True,
        tensors=_linear,
        mult_adds=_linear_cost,
    ),
}


class Shorthand(NamedTuple):
    """A word of the language for a primitive with a fixed kernel."""

    primitive: str
    record: Primitive


SHORTHANDS: dict[str, Shorthand] = {
    "pointwise": Shorthand(
        "conv",
        replace(
            PRIMITIVES["conv"],
            help="1x1 convolution, no bias",
            kernel=False,
            arguments=("filters",),
        ),
    )
}


def layer_of(word: str) -> Primitive | None:
    """The record that holds for a layer written so, if there is one."""
    short = SHORTHANDS.get(word)
    return PRIMITIVES.get(word) if short is None else short.record


def words_of(place: Literal["chain", "combine"]) -> list[str]:
    """The words that may be written there."""
    rows = PRIMITIVES | {word: short.record for word, short in SHORTHANDS.items()}
    return [word for word, row in rows.items() if row.written == place]
