"""Layout `cadene`: Cadene's pretrained-models.pytorch, nasnetalarge, nasnetamobile, pnasnet5large.

Purpose: the names of its state dicts; timm took them over (`nasdsl.weights.timm`).
The networks do not compute the same: Cadene pads by hand, so it agrees with slim at 331 pixels
(large) and 224 (mobile) and nowhere else. Its checkpoints of the large networks have 1001 classes.

Sources of the names: `pretrainedmodels/models/nasnet.py`, `nasnet_mobile.py`, `pnasnet.py`.
Where a skeleton says how many `cells a stage` the names count at least, stages begin there: the
mobile network keeps the large one's numbers 0, 6 and 12. Its `halving` is the scope in which an
older state's halving is kept; the implementation has one file a skeleton, and they differ.
"""

from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.layout import (
    HALVED,
    PROJECTED,
    SEPARABLE,
    TORCH,
    CellPosition,
    Layout,
    Names,
    Table,
    cell_positions,
    layout_facts,
    learned_chain,
    named_table,
)


def cadene_table(graph: NetworkGraph) -> Table:
    """The table of a network on a skeleton that the implementation has."""
    return named_table("cadene", graph, TORCH, branch_names(graph, "cadene"))


def branch_names(graph: NetworkGraph, layout: str) -> Names:
    """Cadene's names, as the skeleton wants them in that layout."""
    outside, where = layout_facts(graph, layout), cell_positions(graph)

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if outside is None:
            return None
        if module.role != "cell":
            return outside.get(module.name)
        (halving,), (least,) = outside.get("halving", ("",)), outside.get("cells a stage", ("0",))
        cell = _cell(where[module.name], max(int(least), graph.configuration.N or 0))
        inside = _input_names(part, halving) if part.role == "input" else _op_names(part)
        return inside and tuple(f"{cell}.{name}" for name in inside)

    return names


def _cell(where: CellPosition, per_stage: int) -> str:
    if where.kind == "stem":
        return f"cell_stem_{where.number}"
    if where.kind == "reduction":
        return f"reduction_cell_{where.stage}"
    return f"cell_{where.stage * per_stage + where.number}"


def _input_names(part: Part, halving: str) -> tuple[str, ...] | None:
    found = learned_chain(part)
    if part.path == "input0" and found == PROJECTED:
        return "conv_1x1.conv.weight", "conv_1x1.bn"
    if part.path == "input1" and found == PROJECTED:
        return "conv_prev_1x1.conv.weight", "conv_prev_1x1.bn"
    if part.path == "input1" and found == HALVED:
        names = "path_1.conv.weight", "path_2.conv.weight", "final_path_bn"
        return tuple(halving + name for name in names)
    return None


def _op_names(part: Part) -> tuple[str, ...] | None:
    if part.role != "op":
        return None
    block, side = part.path.split(".")
    branch = f"comb_iter_{block[1:]}_{side}"
    found = learned_chain(part)
    if found == PROJECTED:
        return f"{branch}.conv.weight", f"{branch}.bn"
    if found != SEPARABLE * 2:
        return None
    names: list[str] = []
    for number in (1, 2):
        names += (
            f"{branch}.separable_{number}.depthwise_conv2d.weight",
            f"{branch}.separable_{number}.pointwise_conv2d.weight",
            f"{branch}.bn_sep_{number}",
        )
    return tuple(names)


LAYOUT = Layout("cadene", cadene_table)
