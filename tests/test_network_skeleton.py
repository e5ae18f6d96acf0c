"""Skeletons: defaults, and what is said about settings that cannot be built."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from nasdsl.errors import CellError, Diagnostic
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.loading import load, loads
from nasdsl.network import SKELETONS, complete, configuration_of, network_graph, verified

BOTTLENECK = """
genotype g
ops nasnet
op narrow = [relu, conv(1x1, filters/3), batch_norm, relu, conv(3x3, stride), batch_norm]
combine squeeze = [concat, relu, conv(1x1, filters/3), batch_norm]
cell normal    { b = (h[i], h[i-1], narrow, identity, squeeze) }
cell reduction { b = (h[i], h[i-1], narrow, identity, add) }
"""
_CHAIN = "\n".join(
    f"b{i} = (h[i], h[i], keep, keep, concat)"
    if i == 0
    else f"b{i} = (b{i - 1}, b{i - 1}, keep, keep, concat)"
    for i in range(60)
)
DOUBLING = f"""
genotype g
op keep = [avg_pool(3x3, stride)]
combine concat = [concat]
cell normal    {{{{ {_CHAIN} {{}} }}}}
cell reduction {{{{ b = (h[i], h[i], keep, keep, concat) }}}}
"""


def refusal(genotype: Genotype, settings: Settings) -> list[Diagnostic]:
    """What building with these settings raises."""
    with pytest.raises(CellError) as raised:
        network_graph(genotype, settings)
    return list(raised.value.diagnostics)


@pytest.mark.parametrize(
    (
        *("name", "stem", "N", "filters", "stem_filters", "size", "classes"),
        *("epsilon", "drop_path", "dropout", "momentum"),
    ),
    [
        ("nasnet_a", "imagenet", 6, 4032, 96, 331, 1000, 1e-3, 0.3, 0.5, 3e-4),
        ("nasnet_a", "cifar", 6, 768, 96, 32, 10, 1e-5, 0.4, 0.0, 0.1),
        ("pnasnet5", "imagenet", 4, 4320, 96, 331, 1000, 1e-3, 0.4, 0.5, 3e-4),
        ("pnasnet5", "cifar", 3, 960, 144, 32, 10, 1e-5, 0.4, 0.0, 0.1),
        ("amoebanet_a", "imagenet", 6, 3040, 32, 331, 1000, 1e-3, 0.3, 0.5, 3e-4),
        ("amoebanet_a", "cifar", 6, 576, 108, 32, 10, 1e-3, 0.3, 0.0, 3e-4),
        ("enas_micro", "cifar", 5, 720, 108, 32, 10, 1e-5, 0.4, 0.2, 0.1),
        ("darts_v2", "imagenet", 4, 768, 24, 224, 1000, 1e-5, 0.0, 0.0, 0.1),
        ("darts_v2", "cifar", 6, 576, 108, 32, 10, 1e-5, 0.2, 0.0, 0.1),
    ],
)
def test_defaults_are_the_released_networks(
    name: str,
    stem: str,
    N: int,
    filters: int,
    stem_filters: int,
    size: int,
    classes: int,
    epsilon: float,
    drop_path: float,
    dropout: float,
    momentum: float,
) -> None:
    """Without settings, each skeleton and stem is its published network."""
    made = configuration_of(load(name), Settings(stem=stem))
    assert (made.stem, made.N, made.filters, made.image_size) == (stem, N, filters, size)
    assert (made.stem_filters, made.classes, made.batch_norm_epsilon) == (
        stem_filters,
        classes,
        epsilon,
    )
    rates = (made.drop_path, made.dropout, made.batch_norm_momentum)
    assert rates == (drop_path, dropout, momentum)
    assert made.skip_reduction_input == (name == "nasnet_a" and stem == "imagenet")
    assert not made.auxiliary


def test_settings_of_zero_and_false_are_settings() -> None:
    """Nought and `false` win over a default; nothing is mistaken for absent."""
    made = configuration_of(
        load("nasnet_a"),
        Settings(drop_path=0.0, dropout=0.0, skip_reduction_input=False, batch_norm_momentum=0.0),
    )
    assert (made.drop_path, made.dropout, made.batch_norm_momentum) == (0, 0, 0)
    assert not made.skip_reduction_input


def test_filters_that_do_not_divide() -> None:
    """The paper's own misprint is explained, with the nearest legal values."""
    (found,) = refusal(load("nasnet_a"), Settings(filters=1538))
    assert found.code == "NAS503"
    assert found.message == "filters: 1538 is not a multiple of 24; 1536 and 1560 are"


def test_filters_that_are_meant_for_the_first_cell() -> None:
    """DARTS's C and NASNet's F lead to `cell_filters`, the paper's misprint does not."""
    for filters, is_offered in ((36, True), (44, True), (1538, False)):
        (found,) = refusal(load("nasnet_a"), Settings(filters=filters))
        assert any("`cell_filters`" in hint for hint in found.hints) is is_offered


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(filters=95), "filters: 95 is too small; 96 is the smallest legal number"),
        (Settings(filters=24), "filters: 24 is too small; 96 is the smallest legal number"),
        (
            Settings(filters=23, stem="cifar"),
            "filters: 23 is too small; 24 is the smallest legal number",
        ),
        (
            Settings(filters=999_999),
            "filters: 999999 is not a multiple of 24; 999984 is",
        ),
    ],
)
def test_filters_at_the_ends(settings: Settings, message: str) -> None:
    """Below the smallest legal number and above the largest, only legal ones are named."""
    (found,) = refusal(load("nasnet_a"), settings)
    assert (found.code, found.message) == ("NAS503", message)


def test_combines_that_divide_filters() -> None:
    """A third of 4F, rounded down, is 102 for F = 77 and 104 for F = 78, and never 103."""
    genotype = loads(BOTTLENECK)
    (found,) = refusal(genotype, Settings(filters=103, stem="cifar"))
    assert found.message == "filters: 103 is not legal; 102 and 104 are"
    assert configuration_of(genotype, Settings(filters=102, stem="cifar")).cell_filters == 77
    tiny = loads(BOTTLENECK.replace("filters/3", "filters/1000"))
    (found,) = refusal(tiny, Settings(stem="imagenet"))
    assert found.message == "filters: the default is too small; 16 is the smallest legal number"
    verified(network_graph(tiny, Settings(filters=16, image_size=33)))


@given(st.integers(1, 5000), st.sampled_from(["cifar", "imagenet"]), st.booleans())
def test_named_neighbours_are_legal(filters: int, stem: str, bottleneck: bool) -> None:
    """Every number a finding about filters names as legal can be built."""
    genotype = loads(BOTTLENECK) if bottleneck else load("nasnet_a")
    findings = complete(genotype.with_settings(Settings(filters=filters, stem=stem))).findings
    if not findings:
        return
    ((setting, found),) = findings
    assert (setting, found.code) == ("filters", "NAS503")
    legal = [int(word) for word in found.message.split("; ")[1].split() if word.isdigit()]
    assert legal
    assert filters not in legal
    for value in legal:
        settings = Settings(filters=value, stem=stem, N=1, image_size=33)
        graph = verified(network_graph(genotype, settings))
        assert graph.configuration.filters == value


def test_doubling_widths_end_in_a_diagnostic() -> None:
    """Sixty concatenations of what keeps its width have 2^60 channels: no number is legal.

    Where the output leaves them out they are dead, and nothing is wrong.
    """
    (found,) = refusal(loads(DOUBLING.format("")), Settings(stem="cifar", filters=64))
    assert found.code == "NAS503"
    assert found.message == "filters: no number up to 1,000,000 is legal for this cell"
    (found,) = refusal(loads(DOUBLING.format("")), Settings(stem="cifar"))
    assert found.code == "NAS308"
    assert "more than 1,000,000,000 channels" in found.message
    dead = loads(DOUBLING.format("output concat(b0)"))
    assert configuration_of(dead, Settings(stem="cifar", filters=64)).cell_filters == 8


@pytest.mark.parametrize(
    ("settings", "smallest"),
    [
        (Settings(image_size=2), 3),
        (Settings(image_size=20, auxiliary=True), 67),
        (Settings(image_size=1, stem="cifar", auxiliary=True), 9),
    ],
)
def test_image_too_small(settings: Settings, smallest: int) -> None:
    """The smallest legal size is named, is legal, and the one below it is not."""
    genotype = load("nasnet_a")
    (found,) = refusal(genotype, settings)
    assert found.code == "NAS504"
    assert f"; {smallest} is the smallest legal size" in found.message
    verified(network_graph(genotype, settings.override(Settings(image_size=smallest))))
    (below,) = refusal(genotype, settings.override(Settings(image_size=smallest - 1)))
    assert below.code == "NAS504"


def test_one_pixel_is_enough_without_windows() -> None:
    """Everything in the CIFAR skeletons pads, so any image will do."""
    for name in ("nasnet_a", "darts_v2", "pnasnet5"):
        verified(network_graph(load(name), Settings(stem="cifar", image_size=1)))


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_amoebanet_is_nasnet_without_depth(stem: str) -> None:
    """Only ScheduledDropPath's depth, the wiring behind reductions and the auxiliary differ."""
    settings = Settings(stem=stem, N=2, filters=384, stem_filters=32, drop_path=0.3)
    nasnet, amoebanet = (
        network_graph(load("nasnet_a"), settings.override(Settings(skeleton=name, **more)))
        for name, more in (("nasnet", {"skip_reduction_input": False}), ("amoebanet", {}))
    )
    cells = [module.name for module in nasnet.modules if module.role == "cell"]
    assert [nasnet.module(name).depth for name in cells] == pytest.approx(
        [(place + 1) / len(cells) for place in range(len(cells))]
    )
    without = tuple(
        replace(module, depth=1.0) if module.role == "cell" else module for module in nasnet.modules
    )
    assert amoebanet.modules == without


def test_darts_auxiliary_reads_after_the_second_reduction() -> None:
    """It needs larger images than slim's, which stands before that reduction."""
    (found,) = refusal(load("darts_v2"), Settings(stem="cifar", auxiliary=True, image_size=16))
    assert "17 is the smallest legal size" in found.message


def test_missing_cells() -> None:
    """Two skeletons need a reduction cell, PNASNet's does not."""
    genotype = load("pnasnet5").with_settings(Settings())
    (found,) = refusal(genotype, Settings())
    assert found.code == "NAS304"
    assert "reduction" in found.message
    assert configuration_of(genotype, Settings(skeleton="pnasnet")).filters == 4320
    reduction = Genotype("r", genotype.vocabulary, load("nasnet_a").cells[1:])
    assert [found.code for found in refusal(reduction, Settings())] == ["NAS304"]
    nothing = Genotype("nothing", Vocabulary(""), ())
    assert [found.code for found in refusal(nothing, Settings())] == ["NAS506"]


@pytest.mark.parametrize(
    ("name", "settings", "setting"),
    [
        ("darts_v2", Settings(skip_reduction_input=True), "skip_reduction_input"),
        ("pnasnet5", Settings(skip_reduction_input=True), "skip_reduction_input"),
        ("darts_v2", Settings(stem="imagenet", stem_filters=32), "stem_filters"),
        ("nasnet_a", Settings(N=0), "N"),
        ("nasnet_a", Settings(drop_path=1.0), "drop_path"),
        ("nasnet_a", Settings(stem="mnist"), "stem"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_do_not_apply(name: str, settings: Settings, setting: str) -> None:
    """Such a setting is refused by name rather than ignored."""
    genotype = load(name)
    genotype = genotype.with_settings(genotype.settings.override(settings))
    ((where, found),) = complete(genotype).findings
    assert (where, found.code) == (setting, "NAS502")
    assert setting in found.message


def test_findings_come_together() -> None:
    """Every mistake of the settings is reported in one run."""
    settings = Settings(filters=1538, image_size=2)
    assert [found.code for found in refusal(load("nasnet_a"), settings)] == ["NAS503", "NAS504"]


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("name", ["nasnet_a", "amoebanet_a", "pnasnet5", "darts_v2", "enas_micro"])
def test_what_a_stem_leaves_of_an_image(name: str, stem: str) -> None:
    """The size that is reckoned with is that of what the first cell reads, in the stem or not."""
    genotype = load(name)
    for size in (33, 56, 57, 64, 224):
        graph = network_graph(genotype, Settings(stem=stem, image_size=size))
        first = next(module for module in graph.modules if "cells.0" in module.name)
        port = first.body.ports[0]
        stems = SKELETONS.find(graph.configuration.name).stems
        assert stems[stem].size_after(size) == port.shape.height


def test_the_auxiliary_classifier_of_darts_on_imagenet() -> None:
    """quark0/darts, cnn/model.py, `AuxiliaryHeadImageNet`: by hand, for 768 channels of 7 x 7.

    A pool of 5 x 5 in steps of 2; 1 x 1 to 128 and batch norm; 2 x 2 to 768 without one; linear.
    """
    cost = nasdsl.cost("darts_v2", stem="imagenet", auxiliary=True)
    (auxiliary,) = (module for module in cost.modules if module.name == "auxiliary")
    assert auxiliary.params == 768 * 128 + 2 * 128 + 128 * 768 * 4 + 768 * 1000 + 1000
    assert auxiliary.mult_adds == 4 * 768 * 128 + 128 * 768 * 4 + 768 * 1000
