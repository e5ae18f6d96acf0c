"""Layout `keras`: `keras.applications.nasnet`, NASNetMobile and NASNetLarge.

Purpose: the names of its layers and their weights, `normal_conv_1_0/kernel`.
The networks do not compute the same with every vocabulary: one tensor padded with zeros feeds both
kinds of strided pool, which is what the vocabulary `nasnet_keras` says.

Sources of the names: `keras/src/applications/nasnet.py`. Blocks are counted from 1, but the
left op of a reduction's fifth block is called `left4`. Files put scopes before the layer's
name, and older ones `:0` behind the weight's; only the last two parts count here.
"""

from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.layout import (
    HALVED,
    KERAS,
    PROJECTED,
    SEPARABLE,
    CellPosition,
    Layout,
    Names,
    Table,
    cell_positions,
    layout_facts,
    learned_chain,
    named_table,
)


def keras_table(graph: NetworkGraph) -> Table:
    """The table of a network on a skeleton that the implementation has."""
    return named_table("keras", graph, KERAS, _names(graph))


def _names(graph: NetworkGraph) -> Names:
    outside, where = layout_facts(graph, "keras"), cell_positions(graph)

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if outside is None:
            return None
        if module.role != "cell":
            return outside.get(module.name)
        cell = _cell(where[module.name])
        if part.role == "input":
            return _input_names(part, cell, str(module.kind))
        return _op_names(part, cell, str(module.kind))

    return names


def _cell(where: CellPosition) -> str:
    if where.kind == "stem":
        return f"stem_{where.number + 1}"
    if where.kind == "reduction":
        return f"reduce_{where.normals}"
    # The first reduction takes a number of the normal cells' row, the second none.
    return str(where.normals + (where.stage > 0))


def _input_names(part: Part, cell: str, kind: str) -> tuple[str, ...] | None:
    found = learned_chain(part)
    if part.path == "input0" and found == PROJECTED:
        return f"{kind}_conv_1_{cell}/kernel", f"{kind}_bn_1_{cell}"
    if part.path == "input1" and found == PROJECTED:
        return f"adjust_conv_projection_{cell}/kernel", f"adjust_bn_{cell}"
    if part.path == "input1" and found == HALVED:
        convs = (f"adjust_conv_{number}_{cell}/kernel" for number in (1, 2))
        return *convs, f"adjust_bn_{cell}"
    return None


def _op_names(part: Part, cell: str, kind: str) -> tuple[str, ...] | None:
    if part.role != "op" or learned_chain(part) != SEPARABLE * 2:
        return None
    block, side = part.path.split(".")
    branch = f"{side}{int(block[1:]) + 1}"
    if (kind, branch) == ("reduction", "left5"):
        branch = "left4"
    names: list[str] = []
    for number in (1, 2):
        layer = f"separable_conv_{number}_{kind}_{branch}_{cell}"
        norm = f"separable_conv_{number}_bn_{kind}_{branch}_{cell}"
        names += f"{layer}/depthwise_kernel", f"{layer}/pointwise_kernel", norm
    return tuple(names)


def _key(name: str) -> str:
    return "/".join(name.removesuffix(":0").split("/")[-2:])


LAYOUT = Layout("keras", keras_table, _key)
