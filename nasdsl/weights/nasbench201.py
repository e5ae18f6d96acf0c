"""Layout `nasbench201`: D-X-Y/AutoDL-Projects, `TinyNetwork`, the network of NAS-Bench-201.

Purpose: the names of its state dicts, which the benchmark's API hands out.
The search networks, whose cells hold every op at once, have no table.

Sources of the names: `xautodl/models/cell_infers/tiny_network.py`, `cells.py` and
`cell_operations.py`. A cell numbers its edges node by node, ops without tensors included.
"""

from nasdsl.language.genotype.types import BlockState, Cell, Hidden, State
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network.graph import Module, NetworkGraph, Part
from nasdsl.weights.layout import (
    PROJECTED,
    TORCH,
    Layout,
    Names,
    Table,
    layout_facts,
    learned_chain,
    named_table,
)

#: What the blocks of a cell read, and the numbers of the edges that are. Blocks 0 and 1 are nodes
#: 1 and 2; block 2 is the part of node 3 that block 3 completes.
_EDGES = (
    ((-1, 0), (-1, None)),
    ((-1, 1), (0, 2)),
    ((-1, 3), (0, 4)),
    ((2, None), (1, 5)),
)
_RESIDUAL = {
    "b0.left": (
        ("conv", "batch_norm") * 2,
        ("conv_a.op.1.weight", "conv_a.op.2", "conv_b.op.1.weight", "conv_b.op.2"),
    ),
    "b0.right": (("pointwise",), ("downsample.1.weight",)),
}


def nasbench201_table(graph: NetworkGraph) -> Table:
    """The table of a network on a skeleton that the implementation has."""
    return named_table("nasbench201", graph, TORCH, _names(graph))


def _names(graph: NetworkGraph) -> Names:
    outside = layout_facts(graph, "nasbench201")
    cell = graph.genotype and graph.genotype.cell("normal")
    edges = _edges(cell, graph.genotype.vocabulary) if graph.genotype and cell else {}

    def names(module: Module, part: Part) -> tuple[str, ...] | None:
        if outside is None:
            return None
        if module.role != "cell":
            return outside.get(module.name)
        found = learned_chain(part)
        if module.kind == "reduction":
            chain, inside = _RESIDUAL.get(part.path, ((), ()))
            return tuple(f"{module.name}.{name}" for name in inside) if found == chain else None
        if part.path not in edges or found not in (("conv", "batch_norm"), PROJECTED):
            return None
        scope = f"{module.name}.layers.{edges[part.path]}.op"
        return f"{scope}.1.weight", f"{scope}.2"

    return names


def _edges(cell: Cell, vocabulary: Vocabulary) -> dict[str, int]:
    """The number of the edge that each op of a cell is, by its path; none of another cell."""
    blocks = cell.blocks
    if len(blocks) != len(_EDGES) or cell.output_states != (BlockState(blocks[-1].name),):
        return {}
    states: dict[int, State] = {at: BlockState(block.name) for at, block in enumerate(blocks)}
    states[-1] = Hidden(0)
    found: dict[str, int] = {}
    for at, (block, wanted) in enumerate(zip(blocks, _EDGES, strict=True)):
        operands = [*zip(block.inputs, block.ops, ("left", "right"), strict=True)]
        # The operand that is no edge is the sum so far, passed on, or the zero that node 1 needs.
        blank = "identity" if at else "zero"
        for order in (operands, operands[::-1]):
            fits = [
                state == states[reads] and (edge is not None or _is(vocabulary, op, blank))
                for (state, op, _), (reads, edge) in zip(order, wanted, strict=True)
            ]
            if all(fits):
                break
        else:
            return {}
        sides = zip(order, wanted, strict=True)
        found |= {f"b{at}.{side}": edge for (*_, side), (_, edge) in sides if edge is not None}
    return found


def _is(vocabulary: Vocabulary, op: str, primitive: str) -> bool:
    """Whether an op is that primitive and nothing else; an empty chain is the identity."""
    layers = vocabulary.op[op].forms[0].layers
    return all(layer.primitive == primitive for layer in layers) and (
        bool(layers) or primitive == "identity"
    )


LAYOUT = Layout("nasbench201", nasbench201_table)
