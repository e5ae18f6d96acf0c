"""Arguments of the wrong kind: every public function answers with a diagnostic."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import RULES

#: Values of every kind that someone may pass by mistake.
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([object(), int, len, Path("x"), {1}, range(3), 10**5000, Ellipsis]),
)
SMALL = {"N": 1, "filters": 32, "image_size": 8, "stem": "cifar"}
OPTIONS = ["backend", "passes", "verify_passes", "device", "dtype", "seed", "drop_path_mode", "ops"]


def answers(call: Any, *arguments: Any, **keywords: Any) -> bool:
    """Whether a call does what it is for or raises a CellError; anything else is raised."""
    with suppress(CellError):
        call(*arguments, **keywords)
    return True


@settings(max_examples=60)
@given(st.sampled_from([*RULES, "ops", "filterz"]), ANYTHING)
def test_cost(name: str, value: Any) -> None:
    """Any value of any setting."""
    assert answers(nasdsl.cost, "darts_v2", **{name: value})


@settings(max_examples=60)
@given(ANYTHING)
def test_sources(value: Any) -> None:
    """Anything in place of a name, a path or a text."""
    for call in (nasdsl.load, nasdsl.load_space, nasdsl.loads, nasdsl.loads_space, nasdsl.cost):
        if value != "-":
            assert answers(call, value)
    found = nasdsl.check(value) if value != "-" else ()
    assert all(isinstance(each, nasdsl.Diagnostic) for each in found)


@settings(max_examples=40)
@given(st.sampled_from(OPTIONS), ANYTHING)
def test_compile(name: str, value: Any) -> None:
    """Any value of any option."""
    pytest.importorskip("torch")
    chosen = {"device": "meta", **SMALL, name: value}
    assert answers(nasdsl.compile, "darts_v2", **chosen)


@settings(max_examples=40)
@given(st.sampled_from([*OPTIONS[1:6], "ops", "weights"]), ANYTHING)
def test_prove(name: str, value: Any) -> None:
    """The same where the network is run."""
    pytest.importorskip("torch")
    chosen = {"device": "meta", **SMALL, name: value}
    assert answers(nasdsl.prove, "darts_v2", **chosen)


@settings(max_examples=40)
@given(ANYTHING)
def test_weights_and_exports(value: Any) -> None:
    """Anything in place of a network, a file, a layout or a flag."""
    pytest.importorskip("torch")
    net = nasdsl.compile("darts_v2", device="meta", **SMALL)
    assert answers(nasdsl.weights.load, value, {})
    assert answers(nasdsl.weights.load, net, value)
    assert answers(nasdsl.weights.load, net, {}, value)
    assert answers(nasdsl.weights.load, net, {}, drop_background=value)
    assert answers(nasdsl.export.write, value, "x.pt2")
    assert answers(nasdsl.export.write, net, value)
    assert answers(nasdsl.export.write, net, "x.pt2", dynamic_size=value)


def test_types_of_pytorch() -> None:
    """Types that weights cannot have, and devices that are not there."""
    torch = pytest.importorskip("torch")
    for options, code in (
        ({"dtype": torch.int8}, "NAS502"),
        ({"dtype": "float32"}, "NAS502"),
        ({"seed": "a"}, "NAS502"),
        ({"seed": -1}, "NAS502"),
        ({"device": "nowhere"}, "NAS707"),
        ({"backend": 3}, "NAS008"),
    ):
        with pytest.raises(CellError) as caught:
            nasdsl.compile("darts_v2", **{**SMALL, **options})
        assert [found.code for found in caught.value.diagnostics] == [code]


@settings(max_examples=60)
@given(ANYTHING)
def test_spaces(value: Any) -> None:
    """Anything in place of a space, a genotype, a number, a seed or a generator."""
    space, genotype = nasdsl.load_space("nasbench201_space"), nasdsl.load("nasnet_a")
    member = next(nasdsl.enumerate_genotypes(space))
    for call, arguments in (
        (nasdsl.count, (value,)),
        (nasdsl.count_distinct, (value,)),
        (nasdsl.count_distinct, (genotype, value)),
        (nasdsl.enumerate_genotypes, (value,)),
        (nasdsl.contains, (value, genotype)),
        (nasdsl.contains, (space, value)),
        (nasdsl.sample, (value, 1, 0)),
        (nasdsl.sample, (space, value, 0)),
        (nasdsl.sample, (space, 1, value)),
        (nasdsl.mutate, (value, member, Random(0))),
        (nasdsl.mutate, (space, value, Random(0))),
        (nasdsl.mutate, (space, member, value)),
        (nasdsl.neighbours, (value, member)),
        (nasdsl.neighbours, (space, value)),
    ):
        assert answers(call, *arguments)


@settings(max_examples=40)
@given(ANYTHING)
def test_methods_of_networks(value: Any) -> None:
    """Anything that a network's methods are given in place of numbers."""
    torch = pytest.importorskip("torch")
    net = nasdsl.compile("darts_v2", device="meta", **SMALL).eval()
    images = torch.zeros(1, 3, 8, 8, device="meta")
    assert answers(net.set_progress, value)
    assert answers(net.forward_intermediates, images, value)
    assert answers(net.forward_intermediates, images, output_fmt=value)
    with suppress(CellError):
        net.reset_classifier(value)
        assert net.num_classes == value


def test_genotypes_made_in_python() -> None:
    """Names that mean nothing are found in genotypes that no text was read for."""
    genotype = nasdsl.load("nasnet_a")
    cell, *others = genotype.cells
    first, *rest = cell.blocks
    for wrong, code in (
        (replace(first, ops=("sep_conv_3x4", "identity")), "NAS201"),
        (replace(first, combine="ad"), "NAS202"),
        (replace(first, inputs=(nasdsl.Hidden(0), nasdsl.BlockState("b9"))), "NAS203"),
    ):
        spoilt = replace(genotype, cells=(replace(cell, blocks=(wrong, *rest)), *others))
        with pytest.raises(CellError) as caught:
            nasdsl.cost(spoilt, N=1, filters=528)
        assert [found.code for found in caught.value.diagnostics] == [code]


def test_check(tmp_path: Path) -> None:
    """The findings of `nasdsl check`, errors and warnings, in the order of the text."""
    assert nasdsl.check("nasnet_a") == ()
    assert [found.code for found in nasdsl.check(tmp_path / "none.cell")] == ["NAS001"]
    (tmp_path / "x.cell").write_text(
        "genotype x\nops nasnet\ncell normal {\n    b0 = (h[i], h[i], sep_3x3, identity, ad)\n}\n"
    )
    assert [found.code for found in nasdsl.check(tmp_path / "x.cell")] == ["NAS201", "NAS202"]
