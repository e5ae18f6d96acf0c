"""NAS-Bench-201: its network, its names of weights, its space.

The parameters of whole networks are those that `TinyNetwork` of D-X-Y/AutoDL-Projects (commit
f46486e) has; test_equality_goldens compares outputs.
"""

import json

import pytest

import nasdsl
from nasdsl import interop
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.network import network_graph, verified
from nasdsl.weights import table
from tests.cli_run import runner

DENSE = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|{}~2|"
SPACE = nasdsl.load_space("nasbench201_space")
NETWORK = Settings(skeleton="nasbench201")


def cell_of(arch: str) -> nasdsl.Genotype:
    """The genotype of one of the benchmark's strings."""
    (genotype,) = interop.read(arch).genotypes
    return genotype


@pytest.mark.parametrize(
    ("arch", "ten", "hundred"),
    [
        (DENSE.format("nor_conv_3x3"), 1_288_506, 1_294_356),
        (
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+"
            "|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
            802_426,
            808_276,
        ),
        (
            "|skip_connect~0|+|skip_connect~0|skip_connect~1|+"
            "|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
            316_346,
            322_196,
        ),
        ("|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|none~2|", 101_306, 107_156),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", 73_306, 79_156),
    ],
)
def test_parameters(arch: str, ten: int, hundred: int) -> None:
    """To the unit, for ten classes and a hundred; ops that nothing is made of count as well."""
    cell = cell_of(arch)
    assert nasdsl.cost(cell, skeleton="nasbench201").params == ten
    assert nasdsl.cost(cell, skeleton="nasbench201", classes=100).params == hundred


def test_the_space_is_the_benchmarks() -> None:
    """15,625 members; each is another string, and each string is a member."""
    assert nasdsl.count(SPACE) == 15_625
    members = list(nasdsl.enumerate_genotypes(SPACE))
    texts = [interop.write(member, "nasbench201").text for member in members[::97]]
    assert len({*texts}) == len(texts)
    for member, text in zip(members[::97], texts, strict=True):
        read = cell_of(text)
        assert nasdsl.contains(SPACE, read)
        assert nasdsl.canonical_hash(read) == nasdsl.canonical_hash(member)
        assert interop.write(read, "nasbench201").text == text


@pytest.mark.parametrize("size", [1, 7, 32])
def test_any_image(size: int) -> None:
    """Sizes are rounded up where the original needs an even one; older states are fitted."""
    graph = network_graph(next(nasdsl.enumerate_genotypes(SPACE)), Settings(image_size=size, N=1))
    assert verified(graph).configuration.filters == 64
    text = "genotype older\nops nasbench201\ncell normal { a = (h[i], h[i-1], %s, %s, add) }\n"
    older = nasdsl.loads(text % ("nor_conv_3x3", "skip_connect"))
    shapes = verified(network_graph(older, NETWORK.override(Settings(image_size=size, N=1))))
    assert shapes.modules[-2].body.output_shapes[0].channels == 64


@pytest.mark.parametrize(
    "settings", [Settings(stem_filters=8), Settings(auxiliary=True), Settings(layers=17)]
)
def test_settings_without_effect(settings: Settings) -> None:
    """What the network does not have is refused."""
    with pytest.raises(CellError) as caught:
        network_graph(cell_of(DENSE.format("none")), NETWORK.override(settings))
    assert [found.code for found in caught.value.diagnostics] == ["NAS502"]


def test_drop_path_drops_what_ops_compute() -> None:
    """Not what passes through, and nothing in the residual blocks; the original drops nothing."""
    arch = "|nor_conv_3x3~0|+|skip_connect~0|avg_pool_3x3~1|+|none~0|nor_conv_1x1~1|skip_connect~2|"
    computing = {"nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3", "none"}
    settings = NETWORK.override(Settings(N=1, drop_path=0.2))
    dropped = network_graph(cell_of(arch), settings)
    cells = [each for each in dropped.modules if each.role == "cell"]
    assert [each.kind for each in cells] == ["normal", "reduction"] * 2 + ["normal"]
    for cell in cells:
        ops = [part for part in cell.body.parts if part.role == "op"]
        last = {part.label: part.nodes[-1].primitive for part in ops if part.nodes}
        drops = {label for label, primitive in last.items() if primitive == "drop_path"}
        assert drops == (computing if cell.kind == "normal" else set())
    primitives = {
        node.primitive
        for _, node in network_graph(cell_of(arch), NETWORK.override(Settings(N=1))).nodes()
    }
    assert "drop_path" not in primitives


def test_edges_are_numbered_however_blocks_are_written() -> None:
    """The layout follows what the ops read; the operands of a sum may be exchanged."""
    text = """\
genotype turned
ops nasbench201
cell normal {
    one  = (h[i], h[i], none, nor_conv_3x3, add)
    two  = (one, h[i], nor_conv_3x3, nor_conv_1x1, add)
    part = (one, h[i], skip_connect, nor_conv_1x1, add)
    out  = (two, part, nor_conv_3x3, skip_connect, add)
    output concat(out)
}
"""
    names = table(network_graph(nasdsl.loads(text), NETWORK), "nasbench201")
    numbers = {
        ours: foreign.name
        for ours, foreign in names.items()
        if ours.startswith("cells.0.") and ours.endswith(".1.weight")
    }
    assert numbers == {
        "cells.0.b0.right.1.weight": "cells.0.layers.0.op.1.weight",
        "cells.0.b1.left.1.weight": "cells.0.layers.2.op.1.weight",
        "cells.0.b1.right.1.weight": "cells.0.layers.1.op.1.weight",
        "cells.0.b2.right.1.weight": "cells.0.layers.3.op.1.weight",
        "cells.0.b3.left.1.weight": "cells.0.layers.5.op.1.weight",
    }


@pytest.mark.parametrize(
    "block",
    [
        "b0 = (h[i], h[i], nor_conv_3x3, skip_connect, add)",
        "b0 = (h[i], h[i], nor_conv_3x3, nor_conv_3x3, add)",
        "b0 = (h[i], h[i-1], nor_conv_3x3, none, add)",
    ],
)
def test_other_cells_have_no_names(block: str) -> None:
    """A cell that the benchmark's code cannot build is refused, not loaded wrongly."""
    text = f"""\
genotype other
ops nasbench201
cell normal {{
    {block}
    b1 = (h[i], b0, none, skip_connect, add)
    b2 = (h[i], b0, none, skip_connect, add)
    b3 = (b2, b1, skip_connect, none, add)
    output concat(b3)
}}
"""
    with pytest.raises(CellError) as caught:
        table(network_graph(nasdsl.loads(text), NETWORK), "nasbench201")
    assert [found.code for found in caught.value.diagnostics] == ["NAS804"]


def test_from_the_command_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Costed and drawn like any other; the picture says what stands between the stages."""
    run = runner(capfd, monkeypatch)
    cell = run("sample", "nasbench201_space", "--seed", "3").out
    found = json.loads(run("cost", "-", "--json", stdin=cell).out)
    assert [module["name"] for module in found["modules"] if module["kind"] == "reduction"] == [
        "cells.5",
        "cells.11",
    ]
    drawn = run("render", "-", "--network", "--format", "dot", stdin=cell).out
    assert drawn.count("Residual block") == 2
