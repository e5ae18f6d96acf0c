"""CellGraph and liveness: operand slots, outputs, dead blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.errors import CellError
from nasdsl.language.genotype.liveness import liveness
from nasdsl.language.genotype.types import BlockState, Hidden
from nasdsl.loading import load, loads
from nasdsl.network.cell_graph import OUTPUT, cell_graph

DEAD = """
genotype dead
ops nasnet
cell normal {
    first  = (h[i],   h[i-1], identity, identity, add)
    second = (h[i-1], first,  identity, identity, add)
    third  = (first,  h[i],   identity, identity, concat)
    output each(third, first)
}
"""


def test_reading_one_state_twice_keeps_both_edges() -> None:
    """NASNet-A averages h[i-1] twice in one block; both ops and both edges are there."""
    graph = cell_graph(load("nasnet_a"), "normal")
    block = graph.nodes["b3"]["block"]
    assert block == "b3"
    for side in ("left", "right"):
        assert list(graph.in_edges(f"b3.{side}", data="slot")) == [("h[i-1]", f"b3.{side}", 0)]
        assert graph.nodes[f"b3.{side}"]["label"] == "avg_pool_3x3"
    assert sorted(graph.in_edges("b3", data="slot")) == [
        ("b3.left", "b3", 0),
        ("b3.right", "b3", 1),
    ]


def test_output_keeps_its_order_and_hidden_states() -> None:
    """The released NASNet-A concatenates h[i-1] first; the graph says so."""
    graph = cell_graph(load("nasnet_a"), "normal")
    names = ("h[i-1]", "b0", "b1", "b2", "b3", "b4")
    assert graph.graph["outputs"] == names
    edges = sorted(graph.in_edges(OUTPUT, data="slot"), key=lambda edge: edge[2])
    assert [source for source, _, _ in edges] == list(names)
    assert graph.nodes[OUTPUT]["label"] == "concat"


def test_unused_is_worked_out() -> None:
    """`output unused` lists the blocks that no block reads."""
    graph = cell_graph(load("nasnet_a_unused"), "reduction")
    assert graph.graph["outputs"] == ("b2", "b3", "b4")
    assert [name for name, made in graph.nodes(data="output") if made] == ["b2", "b3", "b4"]


def test_dead_blocks_are_marked() -> None:
    """A block that reaches no output is dead, with its ops; what it alone reads is too."""
    graph = cell_graph(loads(DEAD), "normal")
    dead = {name for name, is_dead in graph.nodes(data="dead") if is_dead}
    assert dead == {"b1", "b1.left", "b1.right"}
    assert graph.graph["outputs"] == ("b2", "b0")
    assert graph.nodes[OUTPUT]["label"] == "each"
    alone = DEAD.replace("h[i-1]", "h[i]", 1)
    graph = cell_graph(loads(alone), "normal")
    assert graph.nodes["h[i-1]"]["dead"]
    assert liveness(loads(alone).cells[0]).reads == (0,)


def test_liveness_of_a_cell() -> None:
    """Outputs in order, live blocks by position, inputs by number."""
    found = liveness(loads(DEAD).cells[0])
    assert found.outputs == (BlockState("third"), BlockState("first"))
    assert found.live == (True, False, True)
    assert found.reads == (0, 1)


def test_missing_cell_is_refused() -> None:
    """A genotype without the cell gives a diagnostic, not a traceback."""
    with pytest.raises(CellError) as raised:
        cell_graph(loads(DEAD), "reduction")
    assert raised.value.diagnostics[0].code == "NAS304"


@given(st.sampled_from(["nasnet_a", "nasnet_a_unused", "pnasnet5", "darts_v1", "example_b_form"]))
def test_graph_has_what_the_cell_has(name: str) -> None:
    """Three nodes a block, two operands a combine, one input an op; no cycles."""
    import networkx

    genotype = load(name)
    for cell in genotype.cells:
        graph = cell_graph(genotype, cell.kind)
        roles = [role for _, role in graph.nodes(data="role")]
        assert roles.count("combine") == len(cell.blocks)
        assert roles.count("op") == 2 * len(cell.blocks)
        assert networkx.is_directed_acyclic_graph(graph)
        for node, role in graph.nodes(data="role"):
            wanted = {"input": 0, "op": 1, "combine": 2, "output": len(cell.output_states)}
            assert graph.in_degree(node) == wanted[role]
        read = {state for block in cell.blocks for state in block.inputs}
        read |= set(cell.output_states)
        inputs = {back for _, back in graph.nodes(data="back") if back is not None}
        assert inputs == {state.back for state in read if isinstance(state, Hidden)}
