"""Layout `slim`: TensorFlow slim's `nets/nasnet`, NASNet-A and PNASNet-5.

Purpose: the variable names of the released checkpoints.
Checkpoint files themselves are read by TensorFlow alone.

Sources of the names: the scopes of `nasnet.py`, `pnasnet.py` and `nasnet_utils.py`
(tensorflow/models, research/slim/nets/nasnet). The ops slim has are its separable
convolutions, pools and `none`; every other op is without a name.
"""

from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.layout import (
    HALVED,
    PROJECTED,
    SEPARABLE,
    SLIM,
    CellPosition,
    Layout,
    Names,
    Table,
    before_auxiliary,
    cell_positions,
    layout_facts,
    learned_chain,
    named_table,
    nodes_with_tensors,
)


def slim_table(graph: NetworkGraph) -> Table:
    """The table of a network on slim's skeletons."""
    return named_table("slim", graph, SLIM, _names(graph))


def _names(graph: NetworkGraph) -> Names:
    outside, where = layout_facts(graph, "slim"), cell_positions(graph)

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if outside is None:
            return None
        if module.role == "auxiliary":
            scope = f"aux_{where[before_auxiliary(graph)].normals}/aux_logits"
            layers = ("proj/weights", "aux_bn0", "Conv/weights", "aux_bn1", "FC")
            return tuple(f"{scope}/{layer}" for layer in layers)
        if module.role != "cell":
            return outside.get(module.name)
        scope, inside = _scope(where[module.name]), _cell_names(part)
        return inside and tuple(f"{scope}/{name}" for name in inside)

    return names


def _scope(where: CellPosition) -> str:
    if where.kind == "stem":
        return f"cell_stem_{where.number}"
    if where.kind == "reduction":
        return f"reduction_cell_{where.stage}"
    return f"cell_{where.normals}"


def _cell_names(part: Part) -> tuple[str, ...] | None:
    found = learned_chain(part)
    if part.path == "input0" and found == PROJECTED:
        return "1x1/weights", "beginning_bn"
    if part.path == "input1" and found == PROJECTED:
        return "prev_1x1/weights", "prev_bn"
    if part.path == "input1" and found == HALVED:
        return _HALVED_NAMES
    if part.role == "output":
        return _output_names(part)
    return _op_names(part) if part.role == "op" else None


_HALVED_NAMES = "path1_conv/weights", "path2_conv/weights", "final_path_bn"


def _output_names(part: Part) -> tuple[str, ...] | None:
    scope = f"cell_output/reduction_{state_number(part.path.removeprefix('output.'))}"
    if learned_chain(part) == PROJECTED:
        return f"{scope}/path_conv/weights", f"{scope}/path_bn"
    if learned_chain(part) == HALVED:
        return tuple(f"{scope}/{name}" for name in _HALVED_NAMES)
    return None


def state_number(state: str) -> int:
    """The number slim gives a state: 0 for h[i], 1 for h[i-1], then the blocks."""
    number = int(state[1:])
    return number if state.startswith("h") else number + 2


def _op_names(part: Part) -> tuple[str, ...] | None:
    block, side = part.path.split(".")
    scope = f"comb_iter_{block[1:]}/{side}"
    found = learned_chain(part)
    if found == PROJECTED:
        return f"{scope}/1x1/weights", f"{scope}/bn_1"
    repeats = len(found) // len(SEPARABLE)
    if found != SEPARABLE * repeats:
        return None
    taps, _ = nodes_with_tensors(part)[0].kernel
    names: list[str] = []
    for number in range(1, repeats + 1):
        layer = f"{taps}x{taps}_{number}"
        names += (
            f"{scope}/separable_{layer}/depthwise_weights",
            f"{scope}/separable_{layer}/pointwise_weights",
            f"{scope}/bn_sep_{layer}",
        )
    return tuple(names)


def _key(name: str) -> str:
    return name.removesuffix(":0")


def _spare(graph: NetworkGraph) -> tuple[str, ...]:
    # What training leaves in a checkpoint beside the variables themselves.
    slots = r"global_step|.*/(ExponentialMovingAverage|Momentum|RMSProp(_1)?|Adam(_1)?)"
    return (slots,) if graph.configuration.auxiliary else (slots, r"aux_\d+/.*")


LAYOUT = Layout("slim", slim_table, _key, _spare)
