"""Wiring: what the released code does, rule by rule, and the names that come of it."""

from dataclasses import replace

import pytest

from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Output
from nasdsl.loading import load, loads
from nasdsl.network import (
    Module,
    NetworkGraph,
    Node,
    Shape,
    needed,
    network_graph,
    pads,
    verified,
)


def small(name: str, **settings: object) -> NetworkGraph:
    """A small network of a library genotype."""
    return verified(network_graph(load(name), Settings(**{"N": 1, **settings})))  # type: ignore[arg-type]


def module(graph: NetworkGraph, name: str) -> Module:
    """The module of that name."""
    found = graph.module(name)
    assert found is not None
    return found


def reads(graph: NetworkGraph, name: str) -> list[str]:
    """The modules a module reads, newest first."""
    return [ref.module for ref in module(graph, name).inputs]


def chain(graph: NetworkGraph, name: str, path: str) -> list[str]:
    """The primitives of one part of a module; none where the part is not there."""
    parts = [part for part in module(graph, name).body.parts if part.path == path]
    return [node.primitive for part in parts for node in part.nodes]


PROJECT = ["relu", "conv", "batch_norm"]
HALVE = ["relu", "factorized_reduce", "batch_norm"]


def test_slim_cifar_inputs() -> None:
    """The first cell reads the raw stem twice; later ones are matched as they differ."""
    graph = small("nasnet_a", stem="cifar", filters=96)
    assert reads(graph, "cells.0") == ["stem", "stem"]
    assert chain(graph, "cells.0", "input0") == PROJECT
    assert chain(graph, "cells.0", "input1") == []
    # The raw stem has 3F channels: pools and identities on it need a convolution, and so
    # does the output, which concatenates it.
    assert chain(graph, "cells.0", "b3.left") == ["avg_pool", "conv", "batch_norm", "drop_path"]
    assert chain(graph, "cells.0", "b2.right") == PROJECT
    assert chain(graph, "cells.0", "output.h1") == ["conv", "batch_norm"]
    assert chain(graph, "cells.1", "input1") == PROJECT
    assert reads(graph, "cells.2") == ["cells.1", "cells.0"]
    assert chain(graph, "cells.2", "input1") == HALVE
    assert chain(graph, "head", "") == ["relu", "global_avg_pool", "linear"]


def test_slim_untouched_input() -> None:
    """An older state that already has the size and the filters is left as it is."""
    text = """
        genotype g
        ops nasnet
        cell normal    { b = (h[i], h[i-1], identity, identity, add) }
        cell reduction { b = (h[i], h[i-1], max_pool_3x3, max_pool_3x3, add) }
    """
    graph = verified(network_graph(loads(text), Settings(stem="cifar", N=3, filters=32)))
    assert chain(graph, "cells.2", "input1") == []
    assert chain(graph, "cells.2", "input0") == PROJECT
    node = module(graph, "cells.2").body.nodes[-1]
    assert node.inputs == ("input0.2", "h1")


def test_slim_imagenet_stem() -> None:
    """A strided convolution without padding, then reduction cells of F / 4 and F / 2."""
    graph = small("nasnet_a", filters=24 * 11, image_size=96)
    stem = module(graph, "stem").body.nodes
    assert [(node.name, node.primitive) for node in stem] == [
        ("conv", "conv"),
        ("batch_norm", "batch_norm"),
    ]
    assert (stem[0].stride, stem[0].padding, stem[0].shape) == ((2, 2), "valid", (96, 47, 47))
    assert [module(graph, f"stem_cells.{i}").filters for i in (0, 1)] == [2, 5]
    assert reads(graph, "stem_cells.0") == ["stem", "stem"]
    assert reads(graph, "stem_cells.1") == ["stem_cells.0", "stem"]
    assert chain(graph, "stem_cells.1", "input1") == HALVE
    assert reads(graph, "cells.0") == ["stem_cells.1", "stem_cells.0"]
    assert chain(graph, "head", "") == ["relu", "global_avg_pool", "dropout", "linear"]


def test_skip_reduction_input() -> None:
    """With it, the cell after a reduction reads the cell two before that reduction."""
    skips = small("nasnet_a", filters=192, image_size=96, N=2, skip_reduction_input=True)
    assert reads(skips, "cells.3") == ["cells.2", "cells.0"]
    assert reads(skips, "cells.4") == ["cells.3", "cells.2"]
    plain = small("nasnet_a", filters=192, image_size=96, N=2, skip_reduction_input=False)
    assert reads(plain, "cells.3") == ["cells.2", "cells.1"]
    first = small("nasnet_a", filters=192, image_size=96, skip_reduction_input=True)
    assert reads(first, "cells.2") == ["cells.1", "stem_cells.1"]


def test_pnasnet_stack() -> None:
    """One kind of cell; the first of the second and third stage is strided."""
    graph = small("pnasnet5", filters=160, image_size=96, N=2)
    cells = [each for each in graph.modules if each.role == "cell"]
    assert {cell.kind for cell in cells} == {"normal"}
    assert [(cell.stride, cell.filters) for cell in cells] == [
        (2, 2),
        (2, 4),
        (1, 8),
        (1, 8),
        (2, 16),
        (1, 16),
        (2, 32),
        (1, 32),
    ]
    assert reads(graph, "cells.3") == ["cells.2", "cells.1"]
    assert chain(graph, "cells.3", "input1") == HALVE


def test_darts_cifar() -> None:
    """Both inputs are always projected, the stem twice; no ReLU before the mean."""
    graph = small("darts_v2", stem="cifar", filters=128)
    assert reads(graph, "cells.0") == ["stem", "stem"]
    assert chain(graph, "cells.0", "input0") == chain(graph, "cells.0", "input1") == PROJECT
    assert [cell.kind for cell in graph.modules if cell.role == "cell"] == [
        "normal",
        "reduction",
        "normal",
        "reduction",
        "normal",
    ]
    assert chain(graph, "cells.2", "input1") == HALVE
    assert chain(graph, "cells.3", "input1") == PROJECT
    assert chain(graph, "head", "") == ["global_avg_pool", "linear"]
    assert module(graph, "stem").body.nodes[0].padding == "symmetric"


def test_darts_imagenet_stem() -> None:
    """Two stems of three strided convolutions; the first cell reads both."""
    graph = small("darts_v2", stem="imagenet", filters=128, image_size=65)
    assert chain(graph, "stem0", "") == ["conv", "batch_norm", "relu", "conv", "batch_norm"]
    assert chain(graph, "stem1", "") == PROJECT
    shapes = [module(graph, name).body.output_shapes[0] for name in ("stem0", "stem1")]
    assert shapes == [(8, 17, 17), (8, 9, 9)]
    assert module(graph, "stem0").body.nodes[0].shape.channels == 4
    assert reads(graph, "cells.0") == ["stem1", "stem0"]
    assert chain(graph, "cells.0", "input1") == HALVE


def test_auxiliary_places() -> None:
    """The classifier of slim reads the cell before the second reduction, DARTS' that one.

    ENAS' reads the one after it: `aux_head_indices` is the last of its `pool_layers` plus one.
    """
    for name, source in (
        ("nasnet_a", "cells.2"),
        ("darts_v2", "cells.3"),
        ("pnasnet5", "cells.1"),
        ("enas_micro_cifar", "cells.4"),
    ):
        graph = small(name, stem="cifar", auxiliary=True, image_size=96)
        assert graph.modules[-1].name == "auxiliary"
        assert reads(graph, "auxiliary") == [source]
    graph = small("nasnet_a", stem="cifar", auxiliary=True)
    whole = module(graph, "auxiliary").body.nodes[5]
    assert (whole.primitive, whole.kernel, whole.shape) == ("conv", (4, 4), (768, 1, 1))


def test_scheduled_drop_path() -> None:
    """Depth rises to one over all cells; slim spares identities, DARTS what passes through."""
    slim = small("nasnet_a", stem="imagenet", filters=192, image_size=96)
    depths = [each.depth for each in slim.modules if each.role == "cell"]
    assert depths == [place / 7 for place in range(1, 8)]
    # slim never drops `none`, not even where it is a strided convolution.
    assert chain(slim, "cells.1", "b3.left") == []
    assert chain(slim, "stem_cells.0", "b0.left")[-1] == "drop_path"
    strided = small("pnasnet5", filters=160, image_size=96)
    assert chain(strided, "cells.1", "b4.right") == PROJECT
    darts = small("darts_v1", stem="cifar", filters=128)
    assert {each.depth for each in darts.modules if each.role == "cell"} == {1.0}
    assert chain(darts, "cells.0", "b1.left") == []
    assert chain(darts, "cells.1", "b0.left") == ["max_pool", "drop_path"]
    off = small("nasnet_a", stem="cifar", filters=96, drop_path=0.0)
    assert "drop_path" not in {node.primitive for _, node in off.nodes()}


def test_strided_skip_is_dropped_in_darts_only() -> None:
    """A skip that reduces is a factorized reduction: DARTS drops it, slim does not."""
    text = """
        genotype g
        ops darts
        cell normal    { b = (h[i], h[i-1], skip_connect, skip_connect, add) }
        cell reduction { b = (h[i], h[i-1], skip_connect, skip_connect, add) }
    """
    for skeleton, last in (("darts", "drop_path"), ("nasnet", "batch_norm")):
        settings = Settings(skeleton=skeleton, stem="cifar", N=1, filters=64)
        graph = verified(network_graph(loads(text), settings))
        assert chain(graph, "cells.1", "b0.left")[:3] == HALVE
        assert chain(graph, "cells.1", "b0.left")[-1] == last


def test_each_passes_states_on() -> None:
    """NASNet-B's form: four states a cell, read from the list's end; the head joins them."""
    graph = small("example_b_form", stem="cifar")
    assert reads(graph, "cells.0") == ["stem"] * 4
    inputs = module(graph, "cells.1").inputs
    assert [str(ref) for ref in inputs] == [
        "cells.0.b3.combine.1",
        "cells.0.b2.combine.0",
        "cells.0.b1.combine.1",
        "cells.0.b0.combine.0",
    ]
    head = module(graph, "head")
    assert head.body.nodes[0].primitive == "concat"
    assert [ref.node for ref in head.inputs] == [ref.node for ref in reversed(inputs)]
    assert head.body.nodes[0].shape.channels == graph.configuration.filters


def test_states_far_back_are_halved_more_than_once() -> None:
    """What lies two reductions back is halved twice, each time with ReLU and batch norm."""
    text = """
        genotype g
        ops nasnet
        cell normal    { b = (h[i], h[i-3], identity, identity, add)
                         output each(h[i-2], h[i-1], h[i], b) }
        cell reduction { b = (h[i], h[i-3], max_pool_3x3, identity, add)
                         output each(h[i-2], h[i-1], h[i], b) }
    """
    genotype = loads(text)
    short = replace(genotype, cells=tuple(replace(c, output=Output()) for c in genotype.cells))
    graph = verified(network_graph(short, Settings(stem="cifar", N=1, filters=32, image_size=31)))
    # slim prepares h[i-1] though nothing reads it.
    assert reads(graph, "cells.4") == ["cells.3", "cells.2", "cells.0"]
    assert chain(graph, "cells.4", "input3") == [*HALVE, *HALVE]
    graph = verified(network_graph(genotype, Settings(stem="cifar", N=1, filters=128)))
    # The states that a reduction passes on all have its own size.
    assert {shape[1:] for shape in module(graph, "cells.1").body.output_shapes} == {(16, 16)}
    assert chain(graph, "cells.1", "output.h1") == ["factorized_reduce", "batch_norm"]


def test_what_no_result_needs_is_left_out() -> None:
    """Cells that read only h[i-1] leave every other cell out, names unchanged.

    Of what the released code builds all the same, nothing is left out: slim's cells prepare
    h[i], so each needs the one before it.
    """
    text = """
        genotype g
        ops nasnet
        cell normal    { b = (h[i-1], h[i-1], conv_3x3, conv_1x1, add) }
        cell reduction { b = (h[i-1], h[i-1], max_pool_3x3, max_pool_3x3, add) }
    """
    settings = Settings(stem="cifar", N=3, filters=32, image_size=48)
    graph = verified(network_graph(loads(text), settings))
    assert cells(graph) == [f"cells.{number}" for number in range(11)]
    assert needed(graph) == graph
    short = verified(needed(nothing_kept(graph)))
    assert cells(short) == [f"cells.{number}" for number in (0, 2, 4, 6, 8, 10)]
    # The auxiliary classifier reads cells.6, which is there anyway; with N = 2 it is not.
    assert only_for_auxiliary(text, 3) == []
    assert only_for_auxiliary(text, 2) == ["cells.0", "cells.2", "cells.4"]


def cells(graph: NetworkGraph) -> list[str]:
    """The names of the cells, in order."""
    return [each.name for each in graph.modules if each.role == "cell"]


def nothing_kept(graph: NetworkGraph) -> NetworkGraph:
    """The graph as if the released code built only what is read."""
    return graph.with_modules(
        tuple(
            replace(
                each,
                body=replace(
                    each.body,
                    parts=tuple(part._replace(kept=False) for part in each.body.parts),
                ),
            )
            for each in graph.modules
        )
    )


def only_for_auxiliary(text: str, n: int) -> list[str]:
    """The cells that only the auxiliary classifier needs, of those whose states are read."""
    settings = Settings(stem="cifar", N=n, filters=32, image_size=48, auxiliary=True)
    graph = verified(needed(nothing_kept(network_graph(loads(text), settings))))
    extra = [each.name for each in graph.modules if each.for_auxiliary]
    assert extra[-1] == "auxiliary"
    return extra[:-1]


def test_unread_states_of_each_are_left_out() -> None:
    """A state that is passed on and never read is not computed."""
    text = """
        genotype g
        ops nasnet
        cell normal    { b0 = (h[i], h[i-1], conv_3x3, conv_1x1, add)
                         b1 = (b0, h[i], conv_3x3, conv_1x1, add)
                         b2 = (b0, b1, identity, identity, add)
                         output each(b0, b1, b2) }
        cell reduction { b0 = (h[i], h[i-1], conv_3x3, max_pool_3x3, add)
                         b1 = (b0, b0, conv_3x3, conv_1x1, add)
                         output each(b1, b0) }
    """
    graph = verified(network_graph(loads(text), Settings(stem="cifar", N=2, filters=96)))
    # What follows reads the newest two: b1 and b2. b0 is still there, b1 reads it.
    assert module(graph, "cells.1").body.outputs == ("b1.combine.0", "b2.combine.0")
    assert "b0.combine.0" in {node.name for node in module(graph, "cells.1").body.nodes}
    assert len(module(graph, "cells.7").body.outputs) == 3
    blocks = {part.block for part in module(graph, "cells.1").body.parts}
    assert blocks == {"", "b0", "b1", "b2"}


def test_names_follow_positions() -> None:
    """Renaming blocks changes no name of the graph; parts remember what blocks are called."""
    text = """
        genotype g
        ops nasnet
        cell normal    { FIRST = (h[i], h[i-1], sep_conv_3x3, identity, add_layer_norm) }
        cell reduction { b = (h[i], h[i-1], max_pool_3x3, max_pool_3x3, add) }
    """
    settings = Settings(stem="cifar", N=1, filters=32)
    graphs = [
        network_graph(loads(text.replace("FIRST", name)), settings) for name in ("forward", "b")
    ]
    names = [[node.name for _, node in graph.nodes()] for graph in graphs]
    assert names[0] == names[1]
    assert "cells.0.b0.left.7" in names[0]
    assert "cells.0.b0.left.drop_path" in names[0]
    assert "cells.0.b0.combine.1" in names[0]
    assert {part.block for part in module(graphs[0], "cells.0").body.parts} == {"", "forward"}


def test_bodies_are_shared() -> None:
    """Cells that compute the same share one body object."""
    graph = network_graph(load("nasnet_a_large"))
    assert module(graph, "cells.2").body is module(graph, "cells.5").body
    assert module(graph, "cells.2").body is not module(graph, "cells.1").body


def test_layers_of_a_vocabulary() -> None:
    """Rectangles stride one way each, dilation pads symmetrically, bottlenecks narrow."""
    text = """
        genotype g
        ops nasnet
        op tall  = [conv(1x7, stride_x), conv(7x1, stride_y, symmetric), batch_norm]
        op wide  = [depthwise(3x3, stride, dilation 2, symmetric), pointwise(filters/2), pointwise]
        op quiet = [zero]
        op half  = [identity, factorized_reduce]
        op blind = [max_pool(3x3, stride, zero_padded)]
        op mean  = [avg_pool(3x3, stride, count_padding)]
        cell normal    { b0 = (h[i], h[i-1], tall, wide, add)
                         b1 = (h[i], h[i-1], quiet, half, add)
                         b2 = (h[i], h[i],   blind, mean, add) }
        cell reduction { b0 = (h[i], h[i-1], tall, wide, add)
                         b1 = (h[i], h[i-1], quiet, half, add)
                         b2 = (h[i], h[i],   blind, mean, add) }
    """
    settings = Settings(stem="cifar", N=1, filters=4 * 3 * 5, image_size=17, drop_path=0.0)
    graph = verified(network_graph(loads(text), settings))
    nodes = {node.name: node for node in module(graph, "cells.1").body.nodes}
    assert (nodes["b0.left.0"].stride, nodes["b0.left.0"].shape) == ((1, 2), (10, 17, 9))
    assert (nodes["b0.left.1"].stride, nodes["b0.left.1"].shape) == ((2, 1), (10, 9, 9))
    assert pads(nodes["b0.left.0"]) == ((0, 0), (3, 3))
    assert pads(nodes["b0.left.1"]) == ((3, 3), (0, 0))
    assert pads(nodes["b0.right.0"]) == ((2, 2), (2, 2))
    assert (nodes["b0.right.0"].groups, nodes["b0.right.0"].dilation) == (10, 2)
    assert nodes["b0.right.1"].shape.channels == 5
    assert nodes["b1.left.0"].primitive == "zero"
    assert nodes["b1.right.0"].primitive == "factorized_reduce"
    assert nodes["b2.left.0"].zero_padded
    assert nodes["b2.right.0"].count_padding
    plain = {node.name: node for node in module(graph, "cells.0").body.nodes}
    assert plain["b1.right.0"].primitive == "conv"


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (8, 5, 2, (1, 2)), (8, 1, 2, (0, 0))],
)
def test_same_padding_is_tensorflows(
    size: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    """The odd pixel of padding comes after, and a kernel shorter than its stride needs none."""
    shape, made = Shape(2, size, size), Shape(2, -(-size // stride), -(-size // stride))
    node = Node("x", "conv", ("y",), shape, made, (kernel, kernel), (stride, stride))
    assert pads(node) == (expected, expected)


@pytest.mark.parametrize(
    ("ops", "block", "code", "words"),
    [
        (
            "op keep = [avg_pool(3x3, stride)]",
            "(h[i], h[i-1], identity, keep, add)",
            "NAS308",
            ["`add`", "block `b`", "normal cell", "8 channels of 32x32", "24 channels of 32x32"],
        ),
        (
            "op even = [max_pool(2x2, stride, symmetric)]",
            "(h[i], h[i], identity, even, concat)",
            "NAS308",
            ["`concat`", "32x32", "33x33"],
        ),
    ],
)
def test_shapes_that_cannot_match(ops: str, block: str, code: str, words: list[str]) -> None:
    """What only concrete shapes show is said with the cell, the block and both shapes."""
    text = f"""
        genotype g
        ops nasnet
        {ops}
        cell normal    {{ b = {block} }}
        cell reduction {{ b = (h[i], h[i-1], max_pool_3x3, max_pool_3x3, add) }}
    """
    with pytest.raises(CellError) as raised:
        network_graph(loads(text), Settings(stem="cifar", N=1, filters=64 if "even" in ops else 32))
    (found,) = raised.value.diagnostics
    assert found.code == code
    assert all(word in found.message for word in words)


def test_op_that_cannot_reduce() -> None:
    """Under `pnasnet` normal cells reduce, which no check of the text alone foresees."""
    text = """
        genotype g
        ops nasnet
        op stiff = [relu, conv(3x3), batch_norm]
        cell normal { b = (h[i], h[i-1], identity, stiff, add) }
    """
    with pytest.raises(CellError) as raised:
        network_graph(loads(text), Settings(skeleton="pnasnet", stem="cifar"))
    (found,) = raised.value.diagnostics
    assert found.code == "NAS309"
    assert "`stiff`" in found.message
