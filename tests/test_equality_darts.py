"""DARTS and its family against a reference written from their published structure.

The goldens, which DARTS itself computed, prove the reference; the reference then proves what
has no golden: every genotype in DARTS' form, the ImageNet stem, the auxiliary classifiers,
training, every op.
"""

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


pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 7, 9])
def test_any_number_of_layers(layers: int) -> None:
    """Also where it is not 3N + 2, and where the last cell reduces."""
    chosen = {"stem": "cifar", "layers": layers, "cell_filters": 4, "image_size": 32}
    net = nasdsl.compile("darts_v2", **chosen, auxiliary=layers > 3).eval()
    state, x = randomised(net), images(2, 32)
    with torch.inference_mode():
        assert error(net(x), Reference(state).logits(DARTS_V2, layers, x)[0]) <= TOLERANCE


def test_published_numbers_of_layers() -> None:
    """DARTS_V2 at C = 36: 9 layers, and 20, which are N = 6."""
    chosen = {"stem": "cifar", "cell_filters": 36}
    assert nasdsl.cost("darts_v2", layers=9, **chosen).params == 1_184_050
    twenty = nasdsl.cost("darts_v2", layers=20, **chosen)
    assert twenty == nasdsl.cost("darts_v2", N=6, filters=576, stem="cifar")


# -- inputs that nothing reads ------------------------------------------------------------


def case(name: str) -> nasdsl.Genotype:
    """The genotype of a file that is shared beside the repository."""
    path = Path(__file__).parents[2] / "shared" / "cases" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    (found,) = nasdsl.interop.read(path.read_text()).genotypes
    return found


@pytest.mark.parametrize(
    ("name", "params"), [("unread_input.py", 3_928_222), ("none_only.py", 1_778_374)]
)
def test_released_counts(name: str, params: int) -> None:
    """At C = 36 with 20 layers; an input that no block reads is prepared all the same."""
    assert nasdsl.cost(case(name), stem="cifar", layers=20, cell_filters=36).params == params
    assert nasdsl.cost(case(name), stem="cifar", N=6, filters=576).params == params


ONE_INPUT = """genotype one_input
ops darts
cell normal { b0 = (h[i], h[i], sep_conv_3x3, none, add) output concat(b0) }
cell reduction { b0 = (h[i-1], h[i-1], max_pool_3x3, skip_connect, add) output concat(b0) }
network { skeleton = darts stem = cifar layers = 5 cell_filters = 8 image_size = 16 }
"""


def test_unread_inputs_are_stored(tmp_path: Path) -> None:
    """Every cell has `preprocess0` and `preprocess1`, read or not, and files keep them."""
    net = nasdsl.compile(nasdsl.loads(ONE_INPUT)).eval()
    state, x = randomised(net), images(2, 16)
    for number in range(5):
        for name in ("preprocess0", "preprocess1"):
            assert any(key.startswith(f"cells.{number}.{name}.") for key in state)
    params = sum(parameter.numel() for parameter in net.parameters())
    assert params == nasdsl.cost(nasdsl.loads(ONE_INPUT)).params
    genotype = Published(
        (("sep_conv_3x3", 1), ("none", 1)),
        (2,),
        (("max_pool_3x3", 0), ("skip_connect", 0)),
        (2,),
    )
    with torch.inference_mode():
        assert error(net(x), Reference(state).logits(genotype, 5, x)[0]) <= TOLERANCE
    for suffix in (".safetensors", ".py"):
        nasdsl.export.write(net, tmp_path / f"net{suffix}")
    again = nasdsl.compile(tmp_path / "net.safetensors")
    assert again.graph.configuration.layers == 5
    assert all(
        torch.equal(value, again.state_dict()[name]) for name, value in net.state_dict().items()
    )
    assert "nothing reads it" in (tmp_path / "net.py").read_text()


def test_weights_without_unread_inputs_are_read() -> None:
    """What earlier versions wrote lacks what nothing reads, and still fits."""
    net = nasdsl.compile(nasdsl.loads(ONE_INPUT), seed=1).eval()
    unread = [
        f"{module.name}.{name.rsplit('.', 1)[0]}."
        for module in net.graph.modules
        for name in module.body.unread
    ]
    state = net.state_dict()
    old = {name: value for name, value in state.items() if not name.startswith(tuple(unread))}
    assert 0 < len(old) < len(state)
    other = nasdsl.compile(nasdsl.loads(ONE_INPUT), seed=2).eval()
    nasdsl.weights.load(other, old, "native")
    x = images(1, 16)
    with torch.inference_mode():
        assert torch.equal(net(x), other(x))


def test_blocks_that_reach_no_output_may_be_there() -> None:
    """DARTS stores their ops; they are not built here, and the rest is read."""
    text = ONE_INPUT.replace(
        "b0 = (h[i], h[i], sep_conv_3x3, none, add)",
        "b0 = (h[i], h[i], sep_conv_3x3, none, add)\nb1 = (h[i], h[i], sep_conv_5x5, none, add)\n",
    )
    net = nasdsl.compile(nasdsl.loads(text)).eval()
    state = randomised(net)
    state |= {"cells.0._ops.2.op.1.weight": numpy.zeros((8, 1, 5, 5), "f4")}
    assert nasdsl.weights.load(net, state).spare == ("cells.0._ops.2.op.1.weight",)
    state |= {"cells.0._ops.4.op.1.weight": numpy.zeros((8, 1, 5, 5), "f4")}
    with pytest.raises(nasdsl.CellError, match="1 unexpected"):
        nasdsl.weights.load(net, state)


@pytest.mark.parametrize("name", ["none_only.py", "unread_input.py"])
def test_every_parameter_gets_a_gradient(name: str) -> None:
    """An input that `none` alone reads has gradients of zero, as in DARTS; so has an unread one."""
    net = nasdsl.compile(case(name), stem="cifar", layers=5, cell_filters=4).train()
    net(images(2, 32)).sum().backward()
    without = [name for name, parameter in net.named_parameters() if parameter.grad is None]
    assert without == []


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
    # Some read one input alone; DARTS prepares both always.
    edges = (st.tuples(st.sampled_from(_OPS), st.integers(0, i // 2 + 1)) for i in range(8))
    return st.tuples(*edges)


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
