"""Layout `darts`: quark0/darts, `NetworkCIFAR` and `NetworkImageNet`.

Purpose: the names of their state dicts; P-DARTS, PC-DARTS and others use them too.
The search network, whose cells hold every op at once, has no table.

Sources of the names: `cnn/model.py` and `cnn/operations.py`. DARTS numbers ops through the
cell, two per block, and layers through the op, layers without tensors included; those numbers
are those of our nodes. `preprocess0` prepares h[i-1], `preprocess1` h[i].
"""

import re
from collections.abc import Iterator

from nasdsl.language.genotype.liveness import liveness
from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.layout import (
    DILATED,
    HALVED,
    PROJECTED,
    SEPARABLE,
    TORCH,
    Layout,
    Names,
    Table,
    layout_facts,
    learned_chain,
    named_table,
    nodes_with_tensors,
)

#: The factorized 7x1 and 1x7 convolution is a bare sequence; other ops keep one in `op`.
_CROSSED = ("1x7 conv", "7x1 conv", "batch_norm")


def darts_table(graph: NetworkGraph) -> Table:
    """The table of a network on a skeleton that the implementation has."""
    return named_table("darts", graph, TORCH, _names(graph))


def _names(graph: NetworkGraph) -> Names:
    outside = layout_facts(graph, "darts")

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if outside is None:
            return None
        if module.role != "cell":
            return outside.get(module.name)
        inside = _input_names(part) if part.role == "input" else _op_names(part)
        return inside and tuple(f"{module.name}.{name}" for name in inside)

    return names


def _input_names(part: Part) -> tuple[str, ...] | None:
    scope = {"input0": "preprocess1", "input1": "preprocess0"}.get(part.path)
    if scope and learned_chain(part) == PROJECTED:
        return f"{scope}.op.1.weight", f"{scope}.op.2"
    return _halved_names(scope) if scope and learned_chain(part) == HALVED else None


def _halved_names(scope: str) -> tuple[str, ...]:
    return f"{scope}.conv_1.weight", f"{scope}.conv_2.weight", f"{scope}.bn"


def _op_names(part: Part) -> tuple[str, ...] | None:
    if part.role != "op":
        return None
    block, side = part.path.split(".")
    scope = f"_ops.{2 * int(block[1:]) + (side == 'right')}"
    found = learned_chain(part)
    if found == HALVED:
        return _halved_names(scope)
    if found == _CROSSED:
        inner = scope
    elif found in (SEPARABLE * 2, DILATED):
        inner = f"{scope}.op"
    else:
        return None
    numbered = ((node, node.name.rpartition(".")[2]) for node in nodes_with_tensors(part))
    return tuple(
        f"{inner}.{number}" + ("" if node.primitive == "batch_norm" else ".weight")
        for node, number in numbered
    )


def _spare(graph: NetworkGraph) -> tuple[str, ...]:
    auxiliary = () if graph.configuration.auxiliary else (r"auxiliary_head\..*",)
    return (*auxiliary, *_dead_ops(graph))


def _dead_ops(graph: NetworkGraph) -> Iterator[str]:
    """Ops of blocks that reach no output: DARTS stores them, and we do not build them."""
    for module in graph.modules:
        cell = graph.genotype and module.kind and graph.genotype.cell(module.kind)
        if not cell:
            continue
        live = liveness(cell).live
        dead = [2 * i + side for i, lives in enumerate(live) if not lives for side in (0, 1)]
        if dead:
            numbers = "|".join(map(str, dead))
            yield rf"{re.escape(module.name)}\._ops\.({numbers})\..*"


LAYOUT = Layout("darts", darts_table, spare=_spare)
