"""Layout `darts`: quark0/darts, `NetworkCIFAR` and `NetworkImageNet`.

Purpose: the names of their state dicts; P-DARTS, PC-DARTS and others use them too.
Non-goals: the search network, whose cells hold every op at once.

Sources of the names: `cnn/model.py` and `cnn/operations.py`. DARTS numbers ops through the
cell, two a block, and layers through the op, layers without tensors included; those numbers
are those of our nodes. `preprocess0` prepares h[i-1], `preprocess1` h[i].
"""

from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.chains import DILATED, HALVED, PROJECTED, SEPARABLE, chain, learned
from nasdsl.weights.layout import TORCH, Layout, Names, Table, named_table

_STEMS: dict[str, dict[str, tuple[str, ...]]] = {
    "cifar": {"stem": ("stem.0.weight", "stem.1")},
    "imagenet": {
        "stem0": ("stem0.0.weight", "stem0.1", "stem0.3.weight", "stem0.4"),
        "stem1": ("stem1.1.weight", "stem1.2"),
    },
}
# The ImageNet classifier lacks the last batch norm, so later layers count one less.
_AUXILIARY: dict[str, tuple[str, ...]] = {
    "cifar": ("features.2.weight", "features.3", "features.5.weight", "features.6", "classifier"),
    "imagenet": ("features.2.weight", "features.3", "features.5.weight", "classifier"),
}
#: The factorized 7x1 and 1x7 convolution is a bare sequence; other ops keep one in `op`.
_CROSSED = ("1x7 conv", "7x1 conv", "batch_norm")


def darts_table(graph: NetworkGraph) -> Table:
    """The table of a network on the `darts` skeleton."""
    return named_table("darts", graph, TORCH, _names(graph))


def _names(graph: NetworkGraph) -> Names:
    skeleton = graph.skeleton

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if skeleton.name != "darts":
            return None
        if module.role == "stem":
            return _STEMS[skeleton.stem][module.name]
        if module.role == "head":
            return ("classifier",)
        if module.role == "auxiliary":
            return tuple(f"auxiliary_head.{layer}" for layer in _AUXILIARY[skeleton.stem])
        inside = _input_names(part) if part.role == "input" else _op_names(part)
        return inside and tuple(f"{module.name}.{name}" for name in inside)

    return names


def _input_names(part: Part) -> tuple[str, ...] | None:
    scope = {"input0": "preprocess1", "input1": "preprocess0"}.get(part.path)
    if scope and chain(part) == PROJECTED:
        return f"{scope}.op.1.weight", f"{scope}.op.2"
    return _halved_names(scope) if scope and chain(part) == HALVED else None


def _halved_names(scope: str) -> tuple[str, ...]:
    return f"{scope}.conv_1.weight", f"{scope}.conv_2.weight", f"{scope}.bn"


def _op_names(part: Part) -> tuple[str, ...] | None:
    if part.role != "op":
        return None
    block, side = part.path.split(".")
    scope = f"_ops.{2 * int(block[1:]) + (side == 'right')}"
    found = chain(part)
    if found == HALVED:
        return _halved_names(scope)
    if found == _CROSSED:
        inner = scope
    elif found in (SEPARABLE * 2, DILATED):
        inner = f"{scope}.op"
    else:
        return None
    numbered = ((node, node.name.rpartition(".")[2]) for node in learned(part))
    return tuple(
        f"{inner}.{number}" + ("" if node.primitive == "batch_norm" else ".weight")
        for node, number in numbered
    )


def _spare(graph: NetworkGraph) -> tuple[str, ...]:
    return () if graph.skeleton.auxiliary else (r"auxiliary_head\..*",)


LAYOUT = Layout("darts", darts_table, spare=_spare)
