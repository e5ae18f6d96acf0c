"""CellGraph: a cell as a networkx multigraph; and its nodes and edges as plain data.

Purpose: what drawings and analyses of one cell read. Ops are nodes and operand slots stand
on the edges, so a block that reads one state twice keeps both edges.
Non-goals: shapes and strides (`nasdsl.network`), which depend on the network around it.

networkx takes longer to import than most commands run, so it is imported on use. Drawings read
`cell_parts` and do without it.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nasdsl.errors import cell_error, listed
from nasdsl.language.genotype.liveness import liveness
from nasdsl.language.genotype.types import CellKind, Genotype, Hidden, State

if TYPE_CHECKING:
    import networkx

    CellGraph: TypeAlias = networkx.MultiDiGraph
else:
    CellGraph = Any

OUTPUT = "output"


class CellParts(NamedTuple):
    """The nodes and edges of a cell's graph; `cell_graph` says what they are.

    Attributes:
        nodes: what each node is, by its name, in the graph's order.
        edges: tail, head and slot, in the graph's order.
        outputs: the node names that the output lists, in order.
    """

    nodes: dict[str, dict[str, Any]]
    edges: list[tuple[str, str, int]]
    outputs: tuple[str, ...]


def cell_graph(genotype: Genotype, kind: CellKind) -> CellGraph:
    """The cell of that kind as a multigraph.

    Node names are positions, so that they never clash with what blocks are called: `h[i]`
    and `h[i-1]` for inputs, `b2.left`, `b2.right` and `b2` for the ops and the combine of
    the third block, and `output`. Every node has

    - `role`: `input`, `op`, `combine` or `output`;
    - `label`: the hidden state, the op, the combine, or the kind of output (`concat` or
      `each`; `unused` is worked out and becomes `concat`);
    - `dead`: whether it reaches no output.

    Inputs have `back` (k of h[i-k]); ops `block`, `index` and `side` (0 left, 1 right);
    combines `block` (the block's name), `index` and `output` (whether the output names it).
    Inputs are there if a block, dead or not, or the output reads them, newest first.

    Every edge has `slot`, also its key: 0 into an op, 0 or 1 into a combine, the position in
    the output's list into `output`.

    The graph itself has `genotype` (its name), `kind` and `outputs` (the node names that the
    output lists, in order).

    Raises:
        CellError: the genotype has no cell of that kind (NAS304).
    """
    import networkx

    parts = cell_parts(genotype, kind)
    graph: CellGraph = networkx.MultiDiGraph(
        genotype=genotype.name, kind=kind, outputs=parts.outputs
    )
    graph.add_nodes_from(parts.nodes.items())
    graph.add_edges_from((tail, head, slot, {"slot": slot}) for tail, head, slot in parts.edges)
    return graph


def cell_parts(genotype: Genotype, kind: CellKind) -> CellParts:
    """The nodes and edges of `cell_graph`, made without networkx.

    Raises:
        CellError: the genotype has no cell of that kind (NAS304).
    """
    cell = genotype.cell(kind)
    if cell is None:
        has = listed(cell.kind for cell in genotype.cells)
        raise cell_error("NAS304", f"`{genotype.name}` has no {kind} cell", f"its cells are {has}")
    needed = liveness(cell)
    names: dict[str, str] = {block.name: f"b{i}" for i, block in enumerate(cell.blocks)}

    def node_of(state: State) -> str:
        return str(state) if isinstance(state, Hidden) else names[state.name]

    outputs = tuple(map(node_of, needed.outputs))
    nodes: dict[str, dict[str, Any]] = {}
    edges: list[tuple[str, str, int]] = []
    read = {state for block in cell.blocks for state in block.inputs} | set(needed.outputs)
    for back in sorted(state.back for state in read if isinstance(state, Hidden)):
        name = str(Hidden(back))
        dead = back not in needed.reads
        nodes[name] = {"role": "input", "label": name, "back": back, "dead": dead}
    for index, (block, live) in enumerate(zip(cell.blocks, needed.live, strict=True)):
        name = names[block.name]
        common = {"block": block.name, "index": index, "dead": not live}
        for side, word in enumerate(("left", "right")):
            op = f"{name}.{word}"
            nodes[op] = {"role": "op", "label": block.ops[side], "side": side, **common}
            edges.append((node_of(block.inputs[side]), op, 0))
        passed_on = name in outputs
        nodes[name] = {"role": "combine", "label": block.combine, "output": passed_on, **common}
        edges += [(f"{name}.{word}", name, side) for side, word in enumerate(("left", "right"))]
    made = "each" if cell.output.kind == "each" else "concat"
    nodes[OUTPUT] = {"role": "output", "label": made, "dead": False}
    edges += [(source, OUTPUT, slot) for slot, source in enumerate(outputs)]
    return CellParts(nodes, edges, outputs)
