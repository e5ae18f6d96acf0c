"""The primitives: the only layers the compiler knows.

Purpose: one table of what each primitive may be told, read by the resolver; the expansion,
the cost model and every backend keep one entry for each of its names.
Non-goals: what a primitive computes (`nasdsl.network`, the backends).
"""

from typing import NamedTuple

#: Arguments that are a single word.
FLAGS = ("stride", "stride_x", "stride_y", "symmetric", "count_padding", "zero_padded")
#: Arguments that are a word and a number: `dilation 2`, `filters/4`.
VALUES = ("dilation", "filters")

_SPATIAL = ("stride", "stride_x", "stride_y", "symmetric")


class Primitive(NamedTuple):
    """What a primitive does in a few words, whether it takes a kernel, and its arguments."""

    help: str
    kernel: bool = False
    arguments: tuple[str, ...] = ()


PRIMITIVES: dict[str, Primitive] = {
    "relu": Primitive("max(x, 0)"),
    "conv": Primitive("convolution, no bias", True, (*_SPATIAL, "dilation", "filters")),
    "depthwise": Primitive("one filter a channel, no bias", True, (*_SPATIAL, "dilation")),
    "pointwise": Primitive("1x1 convolution, no bias", False, ("filters",)),
    "batch_norm": Primitive("batch normalisation with scale and shift"),
    "layer_norm": Primitive("layer normalisation over channels, height and width"),
    "instance_norm": Primitive("instance normalisation over height and width"),
    "avg_pool": Primitive("average pooling", True, (*_SPATIAL, "count_padding")),
    "max_pool": Primitive("maximum pooling", True, (*_SPATIAL, "zero_padded")),
    "factorized_reduce": Primitive(
        "two strided 1x1 convolutions, the second shifted by a pixel, concatenated"
    ),
    "identity": Primitive("the input itself"),
    "zero": Primitive("zeros"),
}

#: How a combine's chain begins.
OPERATIONS = ("sum", "concat")
