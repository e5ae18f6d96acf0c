"""The kind of an op, which gives it its colour.

Purpose: one rule from what an op does to what it looks like, so that an op has the same
colour in every picture, whatever it is called and whoever defined it.
Non-goals: colours (`nasdsl.drawing.themes`).
"""

from nasdsl.drawing.themes import Look
from nasdsl.language.genotype.vocabulary import Op, Vocabulary

#: Kinds in the order a legend lists them, and their names in words.
KINDS: dict[Look, str] = {
    "separable": "separable convolution",
    "dilated": "dilated convolution",
    "convolution": "convolution",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "identity": "identity",
    "zero": "zero",
    "other": "other op",
}


def kind_of(name: str, vocabulary: Vocabulary) -> Look:
    """The kind of the op of that name; `other` where the vocabulary lacks it."""
    op = vocabulary.op.get(name)
    return "other" if op is None else _kind(op)


def _kind(op: Op) -> Look:
    """By the first form, which is what the op does where nothing has to change."""
    layers = op.forms[0].layers if op.forms else ()
    primitives = {layer.primitive for layer in layers}
    if primitives <= {"identity"}:
        return "identity"
    rules: list[tuple[bool, Look]] = [
        ("zero" in primitives, "zero"),
        ("max_pool" in primitives, "max_pool"),
        ("avg_pool" in primitives, "avg_pool"),
        (any(layer.dilation > 1 for layer in layers), "dilated"),
        ("depthwise" in primitives, "separable"),
        (bool(primitives & {"conv", "pointwise", "factorized_reduce"}), "convolution"),
    ]
    return next((look for applies, look in rules if applies), "other")
