"""Layout `cadene`: Cadene's pretrained-models.pytorch, nasnetalarge, nasnetamobile, pnasnet5large.

Purpose: the names of its state dicts; timm took them over (`nasdsl.weights.timm`).
Non-goals: its function. It pads by hand, so it computes what slim does at 331 pixels (large)
and 224 (mobile) and nowhere else. Its checkpoints of the large networks have 1001 classes.

Sources of the names: `pretrainedmodels/models/nasnet.py`, `nasnet_mobile.py`, `pnasnet.py`.
The mobile network keeps the large one's numbers: its stages begin at cells 0, 6 and 12.
"""

from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.chains import HALVED, PROJECTED, SEPARABLE, chain
from nasdsl.weights.layout import TORCH, Layout, Names, Table, named_table
from nasdsl.weights.places import counted, place

_LARGE_N = 6


def cadene_table(graph: NetworkGraph) -> Table:
    """The table of a network on the `nasnet` or `pnasnet` skeleton with the ImageNet stem."""
    per_stage = graph.skeleton.N
    if graph.skeleton.name == "nasnet":
        per_stage = max(per_stage, _LARGE_N)
    return named_table("cadene", graph, TORCH, branch_names(graph, per_stage))


def branch_names(graph: NetworkGraph, per_stage: int) -> Names:
    """Cadene's names, with stages that count `per_stage` normal cells."""
    skeleton = graph.skeleton
    # The two files differ in the stem's name and where they keep an older state's halving.
    large = skeleton.name == "nasnet"
    stem, halving = ("conv0", "") if large else ("conv_0", "conv_prev_1x1.")

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if skeleton.name not in ("nasnet", "pnasnet") or skeleton.stem != "imagenet":
            return None
        if module.role == "stem":
            return f"{stem}.conv.weight", f"{stem}.bn"
        if module.role == "head":
            return ("last_linear",)
        if module.role != "cell":
            return None
        where = place(graph, module)
        cell = {
            "stem": f"cell_stem_{where.number}",
            "reduction": f"reduction_cell_{where.stage}",
            "normal": f"cell_{counted(where, per_stage)}",
        }[where.kind]
        inside = _input_names(part, halving) if part.role == "input" else _op_names(part)
        return inside and tuple(f"{cell}.{name}" for name in inside)

    return names


def _input_names(part: Part, halving: str) -> tuple[str, ...] | None:
    found = chain(part)
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
    found = chain(part)
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
