"""Passes: a sound graph in, a sound graph out, the same parameters and fewer nodes.

That the function stays the same is proved with the networks themselves
(`test_torch_reference.py`), which run every pass.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from nasdsl.api.compile import compiled_graph
from nasdsl.network import NetworkGraph, network_graph, verified
from nasdsl.network.cost import graph_cost
from nasdsl.passes import hoisted, merged, optimised
from tests.test_network_random import genotypes, settings

PASSES: dict[str, Callable[[NetworkGraph], NetworkGraph]] = {
    "merged": merged,
    "hoisted": hoisted,
    "optimised": optimised,
}
#: Nodes that a pass must leave alone: they have parameters, or chances of their own.
KEPT = (
    *("conv", "depthwise", "batch_norm", "layer_norm", "instance_norm"),
    *("factorized_reduce", "linear", "drop_path", "dropout"),
)


@st.composite
def graphs(draw: st.DrawFn) -> NetworkGraph:
    """Random genotypes on random skeletons."""
    genotype = draw(genotypes())
    return network_graph(genotype, draw(settings(genotype)))


def kept(graph: NetworkGraph) -> list[str]:
    """The full names of the nodes that no pass may touch, in order."""
    return [node.name for _, node in graph.nodes() if node.primitive in KEPT]


def numbers(graph: NetworkGraph) -> Counter[str]:
    """How many nodes there are of each primitive."""
    return Counter(node.primitive for _, node in graph.nodes())


@pytest.mark.parametrize("name", PASSES)
@given(graphs())
def test_sound(name: str, graph: NetworkGraph) -> None:
    """Every pass returns a sound graph, with the same parameters in the same places."""
    passed = verified(PASSES[name](graph))
    assert kept(passed) == kept(graph)
    assert graph_cost(passed).count[:3] == graph_cost(graph).count[:3]
    assert [module.name for module in passed.modules] == [m.name for m in graph.modules]


@pytest.mark.parametrize("name", PASSES)
@given(graphs())
def test_never_more(name: str, graph: NetworkGraph) -> None:
    """No pass adds work, and doing it again changes nothing."""
    passed = PASSES[name](graph)
    assert numbers(passed) <= numbers(graph)
    assert numbers(PASSES[name](passed)) == numbers(passed)


@given(graphs())
def test_merged_nodes_differ(graph: NetworkGraph) -> None:
    """After merging, no two nodes of a body compute the same, but outputs."""
    for module in merged(graph).modules:
        outputs = set(module.body.outputs)
        nodes = [node for node in module.body.nodes if node.name not in outputs]
        plain = [node._replace(name="") for node in nodes if node.primitive not in KEPT]
        assert len(plain) == len(set(plain))


@pytest.mark.parametrize("name", PASSES)
def test_bodies_stay_shared(name: str) -> None:
    """Modules that compute the same before a pass mostly do after it, so graphs stay small."""
    graph = compiled_graph("nasnet_a", N=50, filters=768, stem="cifar", image_size=32)
    passed = PASSES[name](graph)
    assert len(passed.modules) > 150
    assert len({id(module.body) for module in passed.modules}) < 25


def test_merging_nasnet_a() -> None:
    """A normal cell: five ReLUs and three pools of two states become two ReLUs, two pools."""
    graph = compiled_graph("nasnet_a_large", drop_path=0.0)
    body = next(m.body for m in merged(graph).modules if m.name == "cells.3")
    heads = [node for node in body.nodes if node.name.endswith((".left.0", ".right.0"))]
    assert Counter((node.primitive, node.inputs) for node in heads) == {
        ("relu", ("input0.2",)): 1,
        ("relu", ("input1.2",)): 1,
        ("avg_pool", ("input0.2",)): 1,
        ("avg_pool", ("input1.2",)): 1,
    }
    doubled = next(node for node in body.nodes if node.name == "b3.combine.0")
    assert doubled.inputs == ("b3.left.0", "b3.left.0")


def test_hoisting_nasnet_a() -> None:
    """Each cell applies the ReLU its readers shared; none is left at a port or in the head."""
    graph = compiled_graph("nasnet_a_large")
    passed = hoisted(graph)
    cells = [module for module in passed.modules if module.name.startswith("cells.")]
    assert {module.body.outputs for module in cells} == {("output.concat.relu",)}
    for module in (*cells, passed.modules[-1]):
        ports = {port.name for port in module.body.ports}
        readers = [node for node in module.body.nodes if ports & set(node.inputs)]
        assert not [node for node in readers if node.primitive == "relu"]


def test_a_state_read_both_ways() -> None:
    """Where a state is also read as it is, both go on."""
    text = """
    genotype both
    ops nasnet
    cell normal {
        b0 = (h[i], h[i-1], sep_conv_3x3, avg_pool_3x3, add)
        b1 = (b0, h[i-1], identity, sep_conv_3x3, add)
    }
    cell reduction {
        b0 = (h[i], h[i-1], sep_conv_3x3, sep_conv_3x3, add)
    }
    """
    graph = compiled_graph(
        nasdsl.loads(text), skeleton="nasnet", stem="cifar", N=4, filters=32, image_size=16
    )
    passed = hoisted(graph)
    module = passed.module("cells.1")
    assert module is not None
    assert module.body.outputs == ("b1.combine.0", "b1.combine.0.relu")
    reader = passed.module("cells.3")
    assert reader is not None
    assert [port.name for port in reader.body.ports] == ["h0", "h1", "h1.relu"]
    assert [str(ref) for ref in reader.inputs] == [
        "cells.2.b1.combine.0.relu",
        "cells.1.b1.combine.0",
        "cells.1.b1.combine.0.relu",
    ]


def test_chances_are_not_shared() -> None:
    """Paths dropped alike would not be dropped independently."""
    text = """
    genotype twins
    ops nasnet
    op a = [max_pool(3x3, stride)]
    op b = [max_pool(3x3, stride)]
    cell normal {
        b0 = (h[i], h[i], a, b, add)
    }
    """
    graph = compiled_graph(
        nasdsl.loads(text), skeleton="pnasnet", stem="cifar", drop_path=0.2, image_size=16, N=2
    )
    module = merged(graph).module("cells.1")
    assert module is not None
    drops = [node for node in module.body.nodes if node.primitive == "drop_path"]
    pools = [node for node in module.body.nodes if node.primitive == "max_pool"]
    assert len(pools) == 1
    assert [node.inputs for node in drops] == [("b0.left.0",), ("b0.left.0",)]
