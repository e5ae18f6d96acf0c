"""Passes: a sound graph in, a sound graph out, the same parameters and fewer nodes.

That the function stays the same is proved with the networks themselves
(`test_torch_reference.py`), which run every pass.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import nasdsl
from nasdsl import backend as backends
from nasdsl.api.compile import compiled_graph
from nasdsl.errors import CellError, Diagnostic
from nasdsl.network import Body, NetworkGraph, Node, Shape, network_graph, verified
from nasdsl.network.cost import graph_cost
from nasdsl.passes import PASSES, pad, run
from nasdsl.passes.fold import folded
from nasdsl.passes.hoist import hoisted
from nasdsl.passes.merge import merged
from nasdsl.registry import installed_plugins
from tests.test_network_random import genotypes, settings
from tests.thorough import many

PACKAGES = Path(__file__).parent / "data" / "passes"
#: Each of our passes alone, what the torch backend runs, and other orders.
PIPELINES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("dead", "hoist", "merge")},
    "torch's": ("merge", "hoist"),
    "all": ("merge", "hoist", "dead"),
    "the other way round": ("hoist", "merge"),
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


@given(graphs())
@examples(max_examples=many(2_000, usually=40))
def test_sound(graph: NetworkGraph) -> None:
    """Every pipeline returns a sound graph, with the same parameters in the same places.

    None adds work, and doing it again changes nothing.
    """
    for names in PIPELINES.values():
        require_sound(graph, names)


def require_sound(graph: NetworkGraph, names: tuple[str, ...]) -> None:
    passed = verified(run(graph, names))
    assert kept(passed) == kept(graph)
    assert graph_cost(passed).count[:3] == graph_cost(graph).count[:3]
    assert [module.name for module in passed.modules] == [m.name for m in graph.modules]
    assert numbers(passed) <= numbers(graph)
    assert numbers(run(passed, names)) == numbers(passed)


@given(graphs())
def test_merged_nodes_differ(graph: NetworkGraph) -> None:
    """After merging, no two nodes of a body compute the same, but outputs."""
    for module in merged(graph).modules:
        outputs = set(module.body.outputs)
        nodes = [node for node in module.body.nodes if node.name not in outputs]
        plain = [node._replace(name="") for node in nodes if node.primitive not in KEPT]
        assert len(plain) == len(set(plain))


@pytest.mark.parametrize("name", PIPELINES)
def test_bodies_stay_shared(name: str) -> None:
    """Modules that compute the same before a pass mostly do after it, so graphs stay small."""
    graph = compiled_graph("nasnet_a", N=50, filters=768, stem="cifar", image_size=32)
    passed = run(graph, PIPELINES[name])
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


def test_a_convolution_that_is_read_twice_keeps_its_batch_norm() -> None:
    """Each reader of a convolution but the batch norm, and each output, wants it as it is."""
    graph = compiled_graph("nasnet_a", N=1, filters=96, image_size=16, stem="cifar")
    stem = graph.modules[0]
    (part,) = stem.body.parts
    conv, norm = part.nodes
    assert (conv.primitive, norm.primitive) == ("conv", "batch_norm")
    relu = Node("relu", "relu", (conv.name,), conv.shape, conv.shape)
    read = Body(stem.body.ports, (part._replace(nodes=(*part.nodes, relu)),), (norm.name, "relu"))
    passed_on = replace(stem.body, outputs=(norm.name, conv.name))
    for body, left in ((stem.body, 1), (read, 3), (passed_on, 2)):
        changed = replace(graph, modules=(replace(stem, body=body), *graph.modules[1:]))
        assert len(folded(changed).modules[0].body.nodes) == left


# -- the pipeline -----------------------------------------------------------------------


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package `shortcut-pass` is installed."""
    monkeypatch.syspath_prepend(PACKAGES / "shortcut")


def tiny(genotype: str = "nasnet_a") -> NetworkGraph:
    return compiled_graph(genotype, N=1, filters=96, image_size=16, stem="cifar")


def refused(graph: NetworkGraph, *names: str, verify: bool = True) -> Diagnostic:
    """The finding of a pipeline that cannot run."""
    with pytest.raises(CellError) as caught:
        run(graph, names, verify=verify)
    (found,) = caught.value.diagnostics
    return found


def test_ours_are_installed() -> None:
    """Each is found by its own name and says what it does."""
    found = [plugin for plugin in installed_plugins() if plugin.kind == "passes"]
    ours = {plugin.name for plugin in found if plugin.package == "nasdsl"}
    assert ours == {"dead", "fold", "hoist", "inference", "merge", "pad", "sink"}
    for name in ours:
        found = PASSES.find(name)
        assert found.name == name
        assert found.help


def test_those_for_inference() -> None:
    """What makes another network of the weights; the others keep every parameter."""
    ours = ("dead", "fold", "hoist", "inference", "merge", "pad", "sink")
    assert [name for name in ours if PASSES.find(name).inference] == ["fold", "inference", "pad"]


def test_the_plain_graph_stays_at_hand() -> None:
    """A graph remembers what it was before the first pass, however many have run."""
    graph = tiny()
    assert run(graph, ()) is graph
    assert graph.plain is graph
    twice = run(run(graph, ("merge",)), ("hoist", "dead"))
    assert twice.plain is graph
    assert twice == run(graph, ("merge", "hoist", "dead"))
    assert twice != graph


def test_a_watcher_sees_each_graph() -> None:
    """`after` is called once a pass, in order, with what the pass made."""
    seen: list[tuple[str, NetworkGraph]] = []
    graph = tiny()
    last = run(graph, ("merge", "hoist"), after=lambda *pair: seen.append(pair))
    assert seen == [("merge", merged(graph)), ("hoist", hoisted(merged(graph)))]
    assert last == seen[-1][1]


def test_dead_takes_what_a_pass_has_cut_off() -> None:
    """Where the last reader of a state is gone, what made it goes too."""
    graph = tiny()
    head = graph.modules[-1]
    earlier = graph.module("cells.1")
    assert earlier is not None
    # The head reads the second cell in place of the last; what lies between is dead.
    body = head.body
    (port,) = body.ports
    shape = earlier.body.output_shapes[0]
    nodes = [
        node._replace(
            before=shape if node.before == port.shape else Shape(shape.channels, 1, 1),
            shape={"relu": shape, "linear": node.shape}.get(
                node.primitive, Shape(shape.channels, 1, 1)
            ),
        )
        for node in body.nodes
    ]
    short = Body(
        (port._replace(shape=shape),), (body.parts[0]._replace(nodes=tuple(nodes)),), body.outputs
    )
    cut = graph.with_modules(
        (*graph.modules[:-1], replace(head, body=short, inputs=earlier.outputs))
    )
    left = run(verified(cut), ("dead",), verify=True)
    assert [module.name for module in left.modules] == ["stem", "cells.0", "cells.1", "head"]


@pytest.mark.parametrize(
    ("name", "hint"), [("merg", "did you mean `merge`?"), ("qqq", "`dead`, `hoist`, `merge`")]
)
def test_unknown_pass(name: str, hint: str) -> None:
    """An unknown name is refused with the nearest, or with what is installed."""
    found = refused(tiny(), "merge", name)
    assert found.code == "NAS720"
    assert hint.split(", ")[0] in found.hints[0]


def test_two_packages_offer_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two packages offer a pass, neither is taken."""
    monkeypatch.syspath_prepend(PACKAGES / "rival")
    found = refused(tiny(), "merge")
    assert found.code == "NAS721"
    assert "`nasdsl` and `rival-pass`" in found.hints[0]


@pytest.mark.usefixtures("third_party")
def test_third_party_pass() -> None:
    """A pass this repository does not know runs when it is named, for a backend or alone."""
    graph = compiled_graph("nasnet_a", N=1, filters=96, stem="cifar", image_size=16, drop_path=0.2)
    made = run(graph, ("merge", "shortcut", "hoist"), verify=True)
    assert numbers(graph)["drop_path"] > 0 == numbers(made)["drop_path"]
    assert kept(made) == [name for name in kept(graph) if "drop" not in name]


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("renaming", "changes the parameters"),
        ("beheading", "breaks `nasnet_a`"),
        ("raising", "fails on `nasnet_a`"),
        ("forgetful", "gives a NoneType"),
        ("function", "is offered as pass `function` but is not one"),
        ("absent", "cannot be imported"),
    ],
)
def test_passes_that_cannot_be_used(name: str, words: str) -> None:
    """What is wrong with a pass is one finding that names it."""
    found = refused(tiny(), "merge", name)
    assert found.code == "NAS722"
    assert words in found.message


@pytest.mark.usefixtures("third_party")
def test_verifying_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes are verified where the caller or the environment asks for it."""
    with pytest.raises(CellError, match="NAS722"):
        run(tiny(), ("renaming",))  # the tests' environment asks
    monkeypatch.setenv("NASDSL_VERIFY_PASSES", "0")
    assert run(tiny(), ("renaming",)).modules[0].name == "trunk"
    with pytest.raises(CellError, match="NAS722"):
        run(tiny(), ("renaming",), verify=True)


@pytest.mark.usefixtures("third_party")
def test_the_compiler_runs_passes_for_every_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend has the passes it asks for, unless the caller names others; by default none."""
    monkeypatch.syspath_prepend(PACKAGES.parent / "backends" / "listing")
    settings: dict[str, Any] = {"N": 1, "filters": 96, "image_size": 16, "stem": "cifar"}

    def listed(**options: Any) -> list[str]:
        made = nasdsl.compile("nasnet_a", backend="listing", **settings, **options)
        return [line.split()[0] for line in made.splitlines()]

    def names(*passes: str) -> list[str]:
        return [node.name for _, node in run(tiny(), passes).nodes()]

    assert listed() == names()
    assert listed(passes=["merge"]) == names("merge") != names()
    monkeypatch.setattr(type(backends.find("listing")), "passes", ("hoist",), raising=False)
    assert listed() == names("hoist")
    assert listed(passes=()) == names()
    with pytest.raises(CellError, match="NAS720"):
        nasdsl.compile("nasnet_a", backend="listing", passes=["shortcuts"], **settings)


def test_halves_are_padded_each() -> None:
    """A factorized reduction's halves stay halves: of 20 channels in 32 places, 10 begin each."""
    assert pad._rounded(20, halved=True).places == (*range(10), *range(16, 26))
    assert pad._rounded(20, halved=False).places == tuple(range(20))
    assert pad._rounded(20, halved=True).channels == 32
