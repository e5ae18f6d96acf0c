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


#: Which of an op's layers decides, the first that is there.
_DECIDING: tuple[Look, ...] = ("zero", "max_pool", "avg_pool", "separable", "convolution")


def _kind(op: Op) -> Look:
    """By the first form, which is what the op does where nothing has to change."""
    layers = op.forms[0].layers if op.forms else ()
    looks = {layer.record.look for layer in layers}
    if looks <= {"identity"}:
        return "identity"
    look: Look = next((look for look in _DECIDING if look in looks), "other")
    dilated = any(layer.dilation > 1 for layer in layers)
    return "dilated" if dilated and look in ("separable", "convolution") else look
