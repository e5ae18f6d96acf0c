"""Networks as text: the same each time, every node once, and nothing a terminal would obey."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

import nasdsl
from nasdsl.api.compile import compiled_graph
from nasdsl.network import NetworkGraph
from nasdsl.network.text import graph_text
from nasdsl.passes import run
from tests.test_passes import graphs

SMALL = {"N": 1, "image_size": 32, "classes": 10}
#: A network of each kind that shows something of its own.
CASES: dict[str, tuple[str, dict[str, object], tuple[str, ...]]] = {
    "nasnet_a": ("nasnet_a", {**SMALL, "stem": "cifar", "filters": 96, "auxiliary": True}, ()),
    "nasnet_a_passed": (
        "nasnet_a",
        {**SMALL, "stem": "cifar", "filters": 96, "auxiliary": True},
        ("merge", "hoist"),
    ),
    "darts_v2_imagenet": ("darts_v2_imagenet", {**SMALL, "image_size": 64, "filters": 64}, ()),
    "enas_micro_cifar": ("enas_micro_cifar", {**SMALL, "N": 2}, ()),
    "example_b_form": ("example_b_form", {**SMALL, "stem": "cifar", "N": 4}, ()),
    "amoebanet_c_mobile": ("amoebanet_c_mobile", {"image_size": 64, "N": 1}, ()),
}


def graph_of(case: str) -> NetworkGraph:
    """The graph of a case, after its passes."""
    name, settings, passes = CASES[case]
    return run(compiled_graph(name, **settings), passes)


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, golden: Callable[[str, str], None]) -> None:
    """What is printed, as it was looked at."""
    golden(f"graph/{case}.txt", graph_text(graph_of(case)))


@given(graphs())
def test_every_node_has_a_line(graph: NetworkGraph) -> None:
    """Each module has a line, and each node of each distinct body one with its shape."""
    text = graph_text(graph)
    assert text.endswith("\n")
    lines = text.splitlines()
    bodies = {id(module.body): module.body for module in graph.modules}
    assert sum(line.startswith("body ") for line in lines) == len(bodies)
    nodes = [line.split() for line in lines if line.startswith("    ") and " = " in line]
    wanted = [
        (f"{node.name}:", "x".join(map(str, node.shape)).removesuffix("x1x1"))
        for body in bodies.values()
        for node in body.nodes
    ]
    assert [(name, shape.removesuffix("x1x1")) for name, shape, *_ in nodes] == wanted
    for module in graph.modules:
        (line,) = (line for line in lines if line.split(" ", 1)[0] == module.name)
        assert all(str(ref) in line for ref in module.inputs)


def test_shared_bodies_are_written_once() -> None:
    """A network of many equal cells is not much longer than one of few."""
    few, many = (
        graph_text(compiled_graph("nasnet_a", stem="cifar", N=count, filters=96, image_size=32))
        for count in (4, 40)
    )
    assert many.count("\n") - few.count("\n") == 3 * 36


def test_equal_graphs_have_equal_texts() -> None:
    """The text follows from the graph: made twice it is the same, whatever was made between."""
    first = graph_text(graph_of("example_b_form"))
    graph_text(graph_of("nasnet_a"))
    assert graph_text(graph_of("example_b_form")) == first


def test_hostile_names() -> None:
    """A name cannot move the cursor or begin a line."""
    genotype = replace(nasdsl.load("nasnet_a"), name="a\x1b[2J\nbody 0(\u202e)")
    graph = compiled_graph(genotype, stem="cifar", N=1, filters=96, image_size=32)
    title = graph_text(graph).splitlines()[0]
    assert title.startswith(r"a\x1b[2J\nbody 0(\u202e): 1 @ 96")
    assert title.isprintable()
