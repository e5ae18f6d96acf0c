"""Cells of a genotype as sketches.

Purpose: what Figure 4 of Zoph et al. 2018 shows, and what other drawings of it leave out:
every state the output names, h[i-1] included, and blocks that reach no output, dimmed.
"""

from typing import Any

from nasdsl.drawing.lettering import name_lines
from nasdsl.drawing.sketch import Box, Sketch, Unit, Wire, op_look
from nasdsl.drawing.themes import Stroke
from nasdsl.errors import plural
from nasdsl.language.genotype.types import CELL_KINDS, CellKind, Genotype, Hidden
from nasdsl.network.cell_graph import OUTPUT, CellParts, cell_parts

#: Blocks of a cell beyond which no picture of them could be read.
MAX_BLOCKS = 60

TITLES: dict[CellKind, str] = {"normal": "Normal cell", "reduction": "Reduction cell"}


def cell_sketches(genotype: Genotype, *, names: bool = False) -> tuple[Sketch, ...]:
    """A sketch of each cell, normal first; `names` puts those of blocks on their combines."""
    kinds = [kind for kind in CELL_KINDS if genotype.cell(kind) is not None]
    return tuple(_sketch(genotype, kind, len(kinds) > 1, names) for kind in kinds)


def _sketch(genotype: Genotype, kind: CellKind, titled: bool, names: bool) -> Sketch:
    cell = genotype.cell(kind)
    assert cell is not None
    title = TITLES[kind] if titled else ""
    if len(cell.blocks) > MAX_BLOCKS:
        return folded_sketch(genotype, kind, title)
    parts = cell_parts(genotype, kind)
    nodes = parts.nodes

    def box(name: str) -> Box:
        data = nodes[name]
        look = op_look(data["label"], genotype.vocabulary) if data["role"] == "op" else data["role"]
        lines = name_lines(data["label"])
        if names and data["role"] == "combine":
            lines = (*name_lines(cell.blocks[data["index"]].name), *lines)
        return Box(f"{kind}.{name}", lines, look, data["dead"])

    units = [
        Unit(f"{kind}.{name}", "input", (box(name),))
        for name, data in nodes.items()
        if data["role"] == "input"
    ]
    for name, data in nodes.items():
        if data["role"] == "combine":
            feet = (box(f"{name}.left"), box(f"{name}.right"))
            # What is made by hand may name a combine that no vocabulary has.
            combine = genotype.vocabulary.combine.get(data["label"])
            commutes = combine is not None and combine.commutative
            units.append(Unit(f"{kind}.{name}.block", "block", feet, box(name), commutes))
    outputs = output_units(kind, nodes[OUTPUT]["label"], len(parts.outputs))
    return Sketch(kind, title, (*units, *outputs), _wires(parts, kind))


def _wires(parts: CellParts, kind: CellKind) -> tuple[Wire, ...]:
    nodes = parts.nodes
    each = nodes[OUTPUT]["label"] == "each"
    wires = []
    for tail, head, slot in sorted(parts.edges, key=lambda edge: _wire_order(edge, nodes)):
        dim = nodes[head]["dead"]
        at = output_id(kind, slot if each else 0) if head == OUTPUT else f"{kind}.{head}"
        wires.append(Wire(f"{kind}.{tail}", at, input_stroke(nodes[tail].get("back")), dim))
    return tuple(wires)


def _wire_order(
    edge: tuple[str, str, int], nodes: dict[str, dict[str, Any]]
) -> tuple[int, int, int]:
    """Wires by the block they belong to, then by slot; the output's last."""
    _, head, slot = edge
    data = nodes[head]
    if head == OUTPUT:
        return len(nodes), 0, slot
    return data["index"], {"op": 0, "combine": 1}[data["role"]], data.get("side", slot)


def input_stroke(back: int | None) -> Stroke:
    """The line that leaves h[i-back]; those of blocks are plain."""
    if back is None:
        return "plain"
    return "older" if back % 2 else "newest"


def output_id(kind: CellKind, slot: int) -> str:
    """The identity of an output's box."""
    return f"{kind}.{OUTPUT}.{slot}"


def output_units(kind: CellKind, label: str, count: int) -> tuple[Unit, ...]:
    """One output that joins states, or one for each: h[i+1], h[i+2], ... as they are appended."""
    if label != "each":
        box = Box(output_id(kind, 0), (label,), "output")
        return (Unit(box.id, "output", (box,)),)
    boxes = [Box(output_id(kind, k), (f"h[i+{k + 1}]",), "output") for k in range(count)]
    return tuple(Unit(box.id, "output", (box,)) for box in boxes)


def folded_sketch(genotype: Genotype, kind: CellKind, title: str) -> Sketch:
    """A cell too large to be read, as one box between what it reads and what it gives."""
    cell = genotype.cell(kind)
    assert cell is not None
    states = {state for block in cell.blocks for state in block.inputs} | set(cell.output_states)
    backs = sorted({state.back for state in states if isinstance(state, Hidden)})
    inputs = [
        Unit(
            f"{kind}.{Hidden(back)}",
            "input",
            (Box(f"{kind}.{Hidden(back)}", (str(Hidden(back)),), "input"),),
        )
        for back in backs
    ]
    body = Box(f"{kind}.blocks", (plural(len(cell.blocks), "block", "d"),), "other")
    label = "each" if cell.output.kind == "each" else "concat"
    outputs = output_units(kind, label, len(cell.output_states))
    wires = [
        Wire(unit.id, body.id, input_stroke(back)) for unit, back in zip(inputs, backs, strict=True)
    ]
    unit = Unit(f"{kind}.fold", "block", (body,))
    wires += [Wire(body.id, output.id) for output in outputs]
    return Sketch(kind, title, (*inputs, unit, *outputs), tuple(wires))
