"""DARTS and its family against a reference written from their published structure.

The goldens, which DARTS itself computed, prove the reference; the reference then proves what
has no golden: every genotype in DARTS' form, the ImageNet stem, the auxiliary classifiers,
training, every op.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import nasdsl
from tests.darts_reference import (
    FAMILY,
    TOLERANCE,
    Edge,
    Published,
    Reference,
    error,
    images,
    randomised,
    torch,
)

GOLDEN = Path(__file__).parent / "data" / "golden"
DARTS_V2 = FAMILY["darts_v2"]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """One thread a process: tests run side by side, and more threads only wait for others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("golden", "name"), [("darts_v2_cifar", "darts_v2"), ("darts_nasnet_cifar", "nasnet_a_darts")]
)
def test_the_reference_is_darts(golden: str, name: str) -> None:
    """The reference gives the logits that DARTS itself gave."""
    genotype = FAMILY[name]
    with numpy.load(GOLDEN / f"{golden}.npz") as archive:
        arrays = dict(archive)
    state = {name.removeprefix("state:"): arrays[name] for name in arrays if "state:" in name}
    logits, _ = Reference(state).logits(genotype, 5, torch.tensor(arrays["input_nchw"]))
    assert error(logits, torch.tensor(arrays["logits"])) <= TOLERANCE


# -- against the reference --------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize(("stem", "size"), [("imagenet", 96), ("cifar", 32)])
def test_family(name: str, stem: str, size: int) -> None:
    """Every genotype in DARTS' form, on both stems, with its weights by DARTS' names."""
    net = nasdsl.compile(name, **_small(name, stem), image_size=size).eval()
    state, x = randomised(net), images(2, size)
    with torch.inference_mode():
        assert error(net(x), Reference(state).logits(FAMILY[name], 5, x)[0]) <= TOLERANCE


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize(("stem", "size"), [("imagenet", 160), ("cifar", 32)])
def test_family_in_training(name: str, stem: str, size: int) -> None:
    """With statistics of the batch, both classifiers give what DARTS' give."""
    net = nasdsl.compile(
        name, **_small(name, stem), image_size=size, auxiliary=True, drop_path=0
    ).train()
    state, x = randomised(net), images(4, size)
    logits, side = Reference(state, training=True).logits(FAMILY[name], 5, x)
    with torch.no_grad():
        found = net(x)
    assert error(found.logits, logits) <= TOLERANCE
    assert error(found.aux_logits, side) <= TOLERANCE


def _small(name: str, stem: str) -> dict[str, Any]:
    """Five cells of 8 filters in the first stage."""
    return {"stem": stem, "N": 1, "filters": 32 * len(FAMILY[name].normal_concat), "classes": 7}


def test_published_image_size() -> None:
    """The ImageNet network at 224 pixels."""
    net = nasdsl.compile("darts_v2", stem="imagenet", N=1, filters=128, image_size=224).eval()
    state, x = randomised(net), images(1, 224)
    with torch.inference_mode():
        assert error(net(x), Reference(state).logits(DARTS_V2, 5, x)[0]) <= TOLERANCE


def test_eight_layers() -> None:
    """N = 2 are eight layers, with reductions at a third and two thirds."""
    net = nasdsl.compile("darts_v2", stem="cifar", N=2, filters=64, image_size=32).eval()
    state, x = randomised(net), images(2, 32)
    with torch.inference_mode():
        assert error(net(x), Reference(state).logits(DARTS_V2, 8, x)[0]) <= TOLERANCE


# -- every op ---------------------------------------------------------------------------

_OPS = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "conv_7x1_1x7",
]


def _cells(kind: str, edges: tuple[Edge, ...]) -> str:
    """The cell as nasdsl writes it."""
    states = ["h[i-1]", "h[i]", "b0", "b1", "b2"]
    blocks = [
        f"b{block} = ({states[left]}, {states[right]}, {one}, {other}, add)"
        for block, ((one, left), (other, right)) in enumerate(
            zip(edges[::2], edges[1::2], strict=True)
        )
    ]
    return f"cell {kind} {{\n" + "\n".join(blocks) + "\noutput concat(b0, b1, b2, b3)\n}\n"


def _eight_edges() -> st.SearchStrategy[tuple[Edge, ...]]:
    # The first two read both inputs, so that none goes unread: DARTS prepares both always.
    first = [st.tuples(st.sampled_from(_OPS), st.just(state)) for state in (0, 1)]
    rest = [
        st.tuples(st.sampled_from(_OPS), st.integers(0, number // 2 + 1)) for number in range(2, 8)
    ]
    return st.tuples(*first, *rest)


@hypothesis_settings(max_examples=25)
@given(_eight_edges(), _eight_edges(), st.sampled_from(["cifar", "imagenet"]))
def test_random_cells(normal: tuple[Edge, ...], reduction: tuple[Edge, ...], stem: str) -> None:
    """Any cells of DARTS' ops, at both strides, on both stems."""
    text = f"genotype random\nops darts\n{_cells('normal', normal)}{_cells('reduction', reduction)}"
    size = 16 if stem == "cifar" else 64
    net = nasdsl.compile(
        nasdsl.loads(text),
        skeleton="darts",
        stem=stem,
        N=1,
        filters=64,
        image_size=size,
        classes=5,
    ).eval()
    state, x = randomised(net), images(2, size)
    genotype = Published(normal, (2, 3, 4, 5), reduction, (2, 3, 4, 5))
    with torch.inference_mode():
        assert error(net(x), Reference(state).logits(genotype, 5, x)[0]) <= TOLERANCE
