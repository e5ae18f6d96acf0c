"""Costs: the published numbers, to the unit; what is counted; how fast."""

import subprocess
import sys

import pytest

import nasdsl
from nasdsl import interop
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import load, loads
from nasdsl.network import network_graph
from nasdsl.network.cost import NodeCounts, genotype_cost, size_findings, total

# name: parameters, with batch-norm statistics, millions of mult-adds, auxiliary parameters.
# None where nothing is published.
PUBLISHED = {
    "nasnet_a_cifar": (3_346_538, 3_383_786, 544.3, 1_631_498),
    "nasnet_a_cifar_large": (32_590_954, 32_718_826, 5151.3, None),
    "nasnet_a_mobile": (5_289_978, 5_326_716, 563.6, 2_411_240),
    "nasnet_a_5_1536": (12_263_416, 12_327_704, 2686.4, None),
    "nasnet_a_7_1920": (24_613_292, 24_720_484, 5373.7, None),
    "nasnet_a_large": (88_753_150, 88_949_818, 23783.4, 4_567_784),
    "pnasnet5_large": (86_057_668, None, 24937.4, None),
    "darts_v1_cifar": (3_169_414, None, None, None),
    "darts_v2_cifar": (3_349_342, None, 528.4, None),
    "darts_v2_imagenet": (4_718_752, None, 529.9, None),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name: str) -> None:
    """Every reproducible published network comes out to the unit."""
    params, total, millions, auxiliary = PUBLISHED[name]
    counted = genotype_cost(load(name), Settings(auxiliary=True))
    assert counted.params == params
    if total is not None:
        assert counted.params_total == total
    if millions is not None:
        assert round(counted.mult_adds / 1e6, 1) == millions
    if auxiliary is not None:
        assert counted.auxiliary_params == auxiliary


@pytest.mark.parametrize(
    ("settings", "params", "total"),
    [
        (Settings(N=4, filters=1056, image_size=224), None, None),
        (Settings(classes=1001), 88_757_183, None),
    ],
)
def test_settings_win_over_the_file(
    settings: Settings, params: int | None, total: int | None
) -> None:
    """A thousand and one classes add 4033 parameters; a smaller network is smaller."""
    counted = genotype_cost(load("nasnet_a_large"), settings)
    assert counted.params == params if params else counted.params < 10_000_000


def test_activations() -> None:
    """All that a network of identities on NAS-Bench-201's skeleton writes, counted by hand.

    Identities write nothing. Each of the three cells adds four times, and once fills what is added
    with zeros.
    """
    edges = "|skip_connect~0|+|skip_connect~0|skip_connect~1|"
    text = edges + "+|skip_connect~0|skip_connect~1|skip_connect~2|"
    (genotype,) = interop.read(text).genotypes
    counted = genotype_cost(genotype, Settings(skeleton="nasbench201", N=1, classes=10))
    first, second, third = 16 * 32 * 32, 32 * 16 * 16, 64 * 8 * 8
    stem = 2 * first  # convolution, batch norm
    cells = 5 * (first + second + third)
    # ReLU; convolution, norm, ReLU, convolution, norm, 1x1 convolution and sum; the pool.
    reductions = first + 7 * second + second // 2 + second + 7 * third + third // 2
    head = 2 * third + 64 + 10  # norm, ReLU, mean, classes
    assert counted.activations == stem + cells + reductions + head
    assert counted.activation_bytes == 4 * counted.activations


def test_pnasnet_of_other_sizes() -> None:
    """PNASNet-5 for CIFAR-10 (9 cells, F = 48) and mobile (N = 3, F = 54; 5.1M, 588M)."""
    assert genotype_cost(load("pnasnet5"), Settings(stem="cifar")).params == 3_189_082
    mobile = Settings(N=3, filters=54 * 20, image_size=224, stem_filters=32)
    counted = genotype_cost(load("pnasnet5"), mobile)
    assert round(counted.params / 1e6, 1) == 5.1
    assert round(counted.mult_adds / 1e6) == 587


def test_darts_auxiliary_heads() -> None:
    """DARTS pools with stride 3 for CIFAR-10 and 2 for ImageNet, there without last norm."""
    cifar = 576 * 128 + 256 + 4 * 128 * 768 + 2 * 768 + 768 * 10 + 10
    assert genotype_cost(load("darts_v2_cifar"), Settings(auxiliary=True)).auxiliary_params == cifar
    imagenet = 768 * 128 + 256 + 4 * 128 * 768 + 768 * 1000 + 1000
    assert (
        genotype_cost(load("darts_v2_imagenet"), Settings(auxiliary=True)).auxiliary_params
        == imagenet
    )


def test_counts_of_norms() -> None:
    """Layer norm and instance norm scale and shift each channel; only batch norm has more."""
    text = """
        genotype g
        ops nasnet
        cell normal    { b = (h[i], h[i], identity, identity, COMBINE) }
        cell reduction { b = (h[i], h[i], max_pool_3x3, max_pool_3x3, add) }
    """
    settings = Settings(stem="cifar", N=1, filters=32)
    plain = genotype_cost(loads(text.replace("COMBINE", "add")), settings)
    for combine in ("add_layer_norm", "add_instance_norm"):
        counted = genotype_cost(loads(text.replace("COMBINE", combine)), settings)
        channels = 8 + 16 + 32
        assert counted.params - plain.params == 2 * channels
        assert counted.params_total - plain.params_total == 2 * channels


def test_ops_of_nasnet_a() -> None:
    """The table of ops counts every use, the costliest first."""
    ops = {op.op: op for op in genotype_cost(load("nasnet_a_large")).ops}
    assert [op.params for op in ops.values()] == sorted(op.params for op in ops.values())[::-1]
    # Eighteen normal cells and four reduction cells, two of them in the stem.
    assert ops["sep_conv_5x5"].uses == 18 * 2 + 4 * 2
    assert ops["sep_conv_7x7"].uses == 4 * 2
    assert ops["avg_pool_3x3"].params == 0


def test_a_thousand_cells_share_their_bodies() -> None:
    """The time and memory of a deep network do not grow with its cells' contents."""
    graph = network_graph(load("nasnet_a_large"), Settings(N=1000))
    assert len(graph.modules) == 3 * 1000 + 2 + 4
    assert len({id(module.body) for module in graph.modules}) < 20


def test_counting_imports_neither_torch_nor_networkx() -> None:
    """Both are slow to import, and a count needs neither."""
    code = """
import sys
from nasdsl.network.cost import genotype_cost
from nasdsl.loading import load
genotype_cost(load("nasnet_a_large"))
assert not {"torch", "networkx", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numbers_of_settings() -> None:
    """Numpy's whole numbers are whole numbers; halves are refused, and not with a traceback."""
    numpy = pytest.importorskip("numpy")
    assert nasdsl.cost("nasnet_a_cifar", N=numpy.int64(2)) == nasdsl.cost("nasnet_a_cifar", N=2)
    with pytest.raises(nasdsl.CellError, match="NAS502"):
        nasdsl.cost("nasnet_a_cifar", N=1.5)


@pytest.mark.parametrize(("size", "found"), [(32, []), (224, ["NAS508"])])
def test_an_auxiliary_classifier_larger_than_the_network(size: int, found: list[str]) -> None:
    """Its last convolution spans the map, so 224 px on the stem for small images make it huge."""
    graph = network_graph(load("nasnet_a_cifar"), Settings(image_size=size, auxiliary=True))
    assert [each.code for each in size_findings(graph)] == found


def test_totals() -> None:
    """Number by number; nothing costs nothing."""
    assert total([NodeCounts(1, 2, 3, 4), NodeCounts(10, 20, 30, 40)]) == (11, 22, 33, 44)
    assert total([]) == (0, 0, 0, 0)
