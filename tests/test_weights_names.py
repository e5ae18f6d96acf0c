"""Layouts: the names they give are those of the originals, for whole networks."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from nasdsl import library, loads
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import load
from nasdsl.network import NetworkGraph, network_graph
from nasdsl.weights import LAYOUTS, parameters, table

GOLDEN = Path(__file__).parent / "data" / "golden"

Shapes = dict[str, tuple[int, ...]]

CIFAR = Settings(stem="cifar", N=1, filters=96, image_size=32, classes=10)
MOBILE = Settings(
    stem="imagenet",
    N=1,
    filters=192,
    image_size=96,
    classes=17,
    stem_filters=32,
    skip_reduction_input=False,
)
DARTS = Settings(skeleton="darts", stem="cifar", N=1, filters=128, image_size=32, classes=10)


def _graph(name: str, settings: Settings | None = None, ops: str | None = None) -> NetworkGraph:
    genotype = load(name)
    if ops is not None:
        genotype = replace(genotype, vocabulary=library.vocabulary(ops))
    return network_graph(genotype, settings)


def _expected(graph: NetworkGraph, layout: str) -> Shapes:
    """The names and shapes that a layout expects of a checkpoint."""
    known = parameters(graph)
    return {
        source.name: source.shape(known[name].shape)
        for name, source in table(graph, layout).items()
    }


def _golden(name: str, mark: str) -> Shapes:
    with numpy.load(GOLDEN / f"{name}.npz") as archive:
        return {
            key.removeprefix(mark): archive[key].shape
            for key in archive.files
            if key.startswith(mark)
        }


@pytest.mark.parametrize(
    ("golden", "layout", "graph"),
    [
        ("slim_cifar_F4_N1", "slim", _graph("nasnet_a", CIFAR)),
        ("slim_mobile_F8_N1", "slim", _graph("nasnet_a", MOBILE)),
        ("darts_v2_cifar", "darts", _graph("darts_v2", DARTS)),
        (
            "darts_nasnet_cifar",
            "darts",
            _graph("nasnet_a_unused", replace(DARTS, filters=120), "darts"),
        ),
    ],
)
def test_goldens(golden: str, layout: str, graph: NetworkGraph) -> None:
    """The originals' networks have exactly the names and shapes of the tables."""
    mark = "state:" if layout == "darts" else "var:"
    assert _expected(graph, layout) == _golden(golden, mark)


# -- Cadene's names, built here by rule -------------------------------------------------


def _norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{tensor}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def _projected(name: str, channels: int, filters: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.conv.weight", (filters, channels, 1, 1)
    yield from _norm(f"{name}.bn", filters)


def _halved(name: str, channels: int, filters: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for path in (1, 2):
        yield f"{name}path_{path}.conv.weight", (filters // 2, channels, 1, 1)
    yield from _norm(f"{name}final_path_bn", filters)


def _branch(
    name: str, taps: int, channels: int, filters: int
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for number, width in ((1, channels), (2, filters)):
        layer = f"{name}.separable_{number}"
        yield f"{layer}.depthwise_conv2d.weight", (width, 1, taps, taps)
        yield f"{layer}.pointwise_conv2d.weight", (filters, width, 1, 1)
        yield from _norm(f"{name}.bn_sep_{number}", filters)


# Taps of the separable convolutions by branch; `p` marks those that read the older state.
_NORMAL = {"0_left": "5", "0_right": "3p", "1_left": "5p", "1_right": "3p", "4_left": "3"}
_REDUCTION = {"0_left": "5", "0_right": "7p", "1_right": "7p", "2_right": "5p", "4_left": "3"}


def _cell(
    name: str, branches: dict[str, str], channels: int, filters: int, older: int
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """`older` is the channels that the branches marked `p` read."""
    yield from _projected(f"{name}.conv_1x1", channels, filters)
    for branch, taps in branches.items():
        width = older if taps.endswith("p") else filters
        yield from _branch(f"{name}.comb_iter_{branch}", int(taps[0]), width, filters)


def _cadene(stem: int, penultimate: int, count: int, skips: bool) -> Shapes:
    """The state dict of Cadene's nasnetalarge (count 6) or nasnetamobile (count 4)."""
    unit = penultimate // 24
    found = [("conv0.conv.weight", (stem, 3, 3, 3)), *_norm("conv0.bn", stem)]
    quarter, half = unit // 4, unit // 2
    found += _cell("cell_stem_0", _REDUCTION, stem, quarter, stem)
    found += _halved("cell_stem_1.", stem, half)
    found += _cell("cell_stem_1", _REDUCTION, 4 * quarter, half, half)
    # Channels of the two newest states.
    older, newest = 4 * quarter, 4 * half
    for stage in range(3):
        filters = unit * 2**stage
        if stage:
            name = f"reduction_cell_{stage - 1}"
            found += _projected(f"{name}.conv_prev_1x1", older, filters)
            found += _cell(name, _REDUCTION, newest, filters, filters)
            older, newest = (older if skips else newest), 4 * filters
        for index in range(count):
            name = f"cell_{6 * stage + index}"
            if index == 0:
                found += _halved(f"{name}.", older, filters)
                # Reads the state before the reduction; the next cell reads the reduction.
                older = newest
            else:
                found += _projected(f"{name}.conv_prev_1x1", older, filters)
                older = newest
            found += _cell(name, _NORMAL, newest, filters, filters)
            newest = 6 * filters
    found += [("last_linear.weight", (1000, penultimate)), ("last_linear.bias", (1000,))]
    return dict(found)


@pytest.mark.parametrize(
    ("preset", "stem", "penultimate", "count", "skips"),
    [("nasnet_a_large", 96, 4032, 6, True), ("nasnet_a_mobile", 32, 1056, 4, False)],
)
def test_cadene(preset: str, stem: int, penultimate: int, count: int, skips: bool) -> None:
    """Every name and shape of Cadene's two NASNets, stages numbered from 0, 6 and 12."""
    expected = _cadene(stem, penultimate, count, skips)
    assert _expected(_graph(preset), "cadene") == expected


# -- slim's names of a PNASNet, built here by rule --------------------------------------

#: Of each block the states that are read (0 is h[i]) and the taps of the separable
#: convolution; 0 is the pool, None passes the state on (`PNasNetNormalCell`).
_PNASNET = (
    ((1, 5), (1, 0)),
    ((0, 7), (0, 0)),
    ((0, 5), (0, 3)),
    ((4, 3), (0, 0)),
    ((1, 3), (0, None)),
)
_KERNEL = tuple[str, tuple[int, ...]]


def _slim_norm(name: str, channels: int) -> Iterator[_KERNEL]:
    for tensor in ("gamma", "beta", "moving_mean", "moving_variance"):
        yield f"{name}/{tensor}", (channels,)


def _slim_layer(name: str, norm: str, channels: int, filters: int) -> Iterator[_KERNEL]:
    yield f"{name}/weights", (1, 1, channels, filters)
    yield from _slim_norm(norm, filters)


def _slim_halved(name: str, channels: int, filters: int) -> Iterator[_KERNEL]:
    """Half of the filters, rounded down, on the first path; what is left on the second."""
    yield f"{name}/path1_conv/weights", (1, 1, channels, int(filters / 2))
    odd = int(filters / 2) + int(filters % 2)
    yield f"{name}/path2_conv/weights", (1, 1, channels, odd)
    yield from _slim_norm(f"{name}/final_path_bn", filters)


def _slim_op(
    name: str, taps: int | None, channels: int, filters: int, stride: int
) -> Iterator[_KERNEL]:
    if not taps:
        if channels != filters or (taps is None and stride > 1):
            yield from _slim_layer(f"{name}/1x1", f"{name}/bn_1", channels, filters)
        return
    for number, width in ((1, channels), (2, filters)):
        layer = f"{taps}x{taps}_{number}"
        yield f"{name}/separable_{layer}/depthwise_weights", (taps, taps, width, 1)
        yield f"{name}/separable_{layer}/pointwise_weights", (1, 1, width, filters)
        yield from _slim_norm(f"{name}/bn_sep_{layer}", filters)


def _slim_pnasnet(filters: int, count: int, classes: int) -> Shapes:
    """The variables of slim's mobile PNASNet: `filters` in the first cell, three stages."""
    found = [("conv0/weights", (3, 3, 3, 32)), *_slim_norm("conv0_bn", 32)]
    # The names of the cells, their filters, and whether they halve the image.
    cells = [("cell_stem_0", int(filters * 0.25), 2), ("cell_stem_1", int(filters * 0.5), 2)]
    for index in range(3 * count):
        halves = index > 0 and index % count == 0
        cells.append((f"cell_{index}", filters * 2 ** (index // count), 2 if halves else 1))
    older, newest = (0, 0), (32, 0)  # channels, and how often the image was halved
    for name, width, stride in cells:
        if not older[0]:
            second = newest[0]
        elif older[1] != newest[1]:
            found += _slim_halved(name, older[0], width)
            second = width
        else:
            if older[0] != width:
                found += _slim_layer(f"{name}/prev_1x1", f"{name}/prev_bn", older[0], width)
            second = width
        found += _slim_layer(f"{name}/1x1", f"{name}/beginning_bn", newest[0], width)
        states = [width, second, *[width] * 5]
        for number, block in enumerate(_PNASNET):
            for side, (state, taps) in zip(("left", "right"), block, strict=True):
                step = stride if state < 2 else 1
                place = f"{name}/comb_iter_{number}/{side}"
                found += _slim_op(place, taps, states[state], width, step)
        older, newest = newest, (5 * width, newest[1] + (stride > 1))
    found += [
        ("final_layer/FC/weights", (newest[0], classes)),
        ("final_layer/FC/biases", (classes,)),
    ]
    return dict(found)


def test_slim_pnasnet() -> None:
    """Every name and shape of slim's mobile PNASNet, whose stem halves 27 filters: 13 and 14."""
    expected = _slim_pnasnet(54, 3, 1000)
    assert expected["cell_stem_1/path1_conv/weights"] == (1, 1, 32, 13)
    assert expected["cell_stem_1/path2_conv/weights"] == (1, 1, 32, 14)
    assert _expected(_graph("pnasnet5_mobile"), "slim") == expected


def test_timm_counts_without_gaps() -> None:
    """Both agree on the large networks; on others timm's cells have no gaps."""
    for preset in ("nasnet_a_large", "pnasnet5_large"):
        graph = _graph(preset)
        assert table(graph, "timm") == table(graph, "cadene")
    names = _expected(_graph("nasnet_a_mobile"), "timm")
    cells = {name.split(".")[0] for name in names if name.startswith("cell_")}
    assert cells == {"cell_stem_0", "cell_stem_1", *(f"cell_{number}" for number in range(12))}


# -- what holds for all -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "preset"),
    [
        *itertools.product(["slim", "timm", "cadene", "keras"], ["nasnet_a_mobile"]),
        *itertools.product(["slim", "timm", "cadene"], ["pnasnet5_large"]),
        ("slim", "nasnet_a_cifar"),
        ("darts", "darts_v2_cifar"),
        ("darts", "darts_v2_imagenet"),
        ("native", "example_b_form"),
    ],
)
def test_tables_are_whole(layout: str, preset: str) -> None:
    """Each tensor of the network has a foreign name of its own, but for TensorFlow's counts."""
    graph = _graph(preset)
    made = table(graph, layout)
    assert len({source.name for source in made.values()}) == len(made)
    left = [name for name in parameters(graph) if name not in made]
    counts = layout in ("slim", "keras")
    assert bool(left) == counts
    assert all(name.endswith(".num_batches_tracked") for name in left)


def test_slim_auxiliary() -> None:
    """The auxiliary classifier of slim hangs on the last cell before the second reduction."""
    names = _expected(_graph("nasnet_a_mobile", Settings(auxiliary=True)), "slim")
    found = {name: shape for name, shape in names.items() if name.startswith("aux_")}
    assert found["aux_7/aux_logits/proj/weights"] == (1, 1, 528, 128)
    assert found["aux_7/aux_logits/Conv/weights"] == (4, 4, 128, 768)
    assert found["aux_7/aux_logits/FC/weights"] == (768, 1000)
    assert found["aux_7/aux_logits/aux_bn1/moving_variance"] == (768,)
    assert len(found) == 2 + 2 * 4 + 2


@pytest.mark.parametrize(("stem", "last"), [("cifar", True), ("imagenet", False)])
def test_darts_auxiliary(stem: str, last: bool) -> None:
    """DARTS' ImageNet classifier lacks the second batch norm, and keeps its numbers."""
    graph = _graph(f"darts_v2_{stem}", Settings(auxiliary=True))
    names = _expected(graph, "darts")
    found = {name: shape for name, shape in names.items() if name.startswith("auxiliary_head")}
    assert found["auxiliary_head.features.5.weight"] == (768, 128, 2, 2)
    assert ("auxiliary_head.features.6.weight" in found) == last
    assert found["auxiliary_head.classifier.weight"] == (graph.configuration.classes, 768)


@pytest.mark.parametrize(
    ("layout", "graph", "place"),
    [
        ("timm", _graph("nasnet_a_large", Settings(auxiliary=True)), "auxiliary"),
        ("keras", _graph("nasnet_a_large", Settings(auxiliary=True)), "auxiliary"),
        ("timm", _graph("nasnet_a", CIFAR), "stem"),
        ("keras", _graph("nasnet_a", CIFAR), "stem"),
        ("keras", _graph("pnasnet5_large"), "stem"),
        ("darts", _graph("nasnet_a_mobile"), "stem"),
        ("slim", _graph("darts_v2_cifar"), "stem"),
    ],
)
def test_networks_an_original_lacks(layout: str, graph: NetworkGraph, place: str) -> None:
    """A network the implementation does not have is refused, naming the first such part."""
    with pytest.raises(CellError) as caught:
        table(graph, layout)
    (found,) = caught.value.diagnostics
    assert found.code == "NAS804"
    assert f"layout `{layout}` has no names for" in found.message
    assert place in found.message


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("h[i], h[i-1], conv_3x3, identity, add", r"left \(conv_3x3\)"),
        ("h[i], h[i-1], identity, conv_1x7_7x1, add", r"right \(conv_1x7_7x1\)"),
        ("h[i], h[i-1], identity, identity, add_layer_norm", r"combine \(add_layer_norm\)"),
    ],
)
def test_parts_an_original_lacks(block: str, part: str) -> None:
    """There are no plain convolutions and no norms behind a sum in slim, so they have no names."""
    text = f"""
        genotype plain
        ops nasnet
        cell normal {{ b0 = ({block}) }}
        cell reduction {{ b0 = (h[i], h[i-1], sep_conv_3x3, sep_conv_3x3, add) }}
    """
    graph = network_graph(loads(text), Settings(stem="cifar", N=1, filters=16))
    with pytest.raises(CellError, match=rf"no names for cells\.0\.b0\.{part}"):
        table(graph, "slim")


def test_unknown_layout() -> None:
    """An unknown layout is refused with the nearest one."""
    with pytest.raises(CellError) as caught:
        table(_graph("nasnet_a_mobile"), "tim")
    (found,) = caught.value.diagnostics
    assert found.code == "NAS805"
    assert found.hints[0] == "did you mean `timm`?"
    assert all(f"`{name}`" in found.hints[1] for name in LAYOUTS)
