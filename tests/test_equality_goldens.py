"""The goldens: networks that the original implementations computed, weights and logits.

Written by TensorFlow slim, by quark0/darts and by D-X-Y/AutoDL-Projects; each has random
weights and statistics.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest

import nasdsl
from nasdsl import interop
from nasdsl.weights import load

torch = pytest.importorskip("torch", reason="networks are torch modules")

GOLDEN = Path(__file__).parent / "data" / "golden"
#: Largest difference over largest logit, in float32.
TOLERANCE = 1e-4


pytestmark = pytest.mark.usefixtures("one_thread")


class Golden(NamedTuple):
    """A golden file, and how its network is compiled."""

    file: str
    layout: str
    genotype: str
    settings: dict[str, Any]

    def network(self, **changed: Any) -> Any:
        """The compiled network; of NAS-Bench-201 the genotype is the benchmark's string."""
        foreign = "|" in self.genotype
        genotype = interop.read(self.genotype).genotypes[0] if foreign else self.genotype
        return nasdsl.compile(genotype, **(self.settings | changed)).eval()


_CIFAR = {"stem": "cifar", "N": 1, "image_size": 32, "classes": 10}
GOLDENS = [
    Golden("slim_cifar_F4_N1", "slim", "nasnet_a", _CIFAR | {"filters": 96}),
    Golden(
        "slim_mobile_F8_N1",
        "slim",
        "nasnet_a_mobile",
        {"N": 1, "filters": 192, "image_size": 96, "classes": 17},
    ),
    Golden(
        "darts_v2_cifar",
        "darts",
        "darts_v2",
        _CIFAR | {"skeleton": "darts", "filters": 128},
    ),
    Golden(
        "darts_nasnet_cifar",
        "darts",
        "nasnet_a_unused",
        _CIFAR | {"ops": "darts", "skeleton": "darts", "filters": 120},
    ),
    Golden(
        "nasbench201_mixed",
        "nasbench201",
        "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
        {"skeleton": "nasbench201", "N": 2, "cell_filters": 4},
    ),
    Golden(
        "nasbench201_full",
        "nasbench201",
        "|avg_pool_3x3~0|+|skip_connect~0|nor_conv_3x3~1|"
        "+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|",
        {"skeleton": "nasbench201", "N": 1, "cell_filters": 5, "image_size": 16, "classes": 17},
    ),
]
SLIM = GOLDENS[:2]


def _arrays(golden: Golden) -> Mapping[str, Any]:
    with numpy.load(GOLDEN / f"{golden.file}.npz") as archive:
        return dict(archive)


def _image(arrays: Mapping[str, Any]) -> Any:
    if "input_nchw" in arrays:
        return torch.tensor(arrays["input_nchw"])
    return torch.tensor(arrays["input_nhwc"]).permute(0, 3, 1, 2)


def _error(found: Any, expected: Any) -> float:
    return float((found - torch.tensor(expected)).abs().max() / abs(expected).max())


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.file for golden in GOLDENS])
@pytest.mark.parametrize("layout", ["auto", "named"])
def test_logits(golden: Golden, layout: str) -> None:
    """The same weights give the same logits."""
    arrays = _arrays(golden)
    net = golden.network()
    mark = "var:" if golden.layout == "slim" else "state:"
    weights = {name.removeprefix(mark): arrays[name] for name in arrays if name.startswith(mark)}
    loaded = load(net, weights, golden.layout if layout == "named" else "auto")
    assert loaded == (golden.layout, len(weights), ())
    with torch.inference_mode():
        assert _error(net(_image(arrays)), arrays["logits"]) <= TOLERANCE


def test_darts_is_compiled_as_the_issue_types_it() -> None:
    """C = 8 and 5 layers are N = 1 and 128 filters: 37,018 parameters, as DARTS counts."""
    net = nasdsl.compile(
        "darts_v2", skeleton="darts", stem="cifar", N=1, filters=128, image_size=32, classes=10
    )
    config = json.loads(str(_arrays(GOLDENS[2])["config"]))
    assert sum(parameter.numel() for parameter in net.parameters()) == config["params"] == 37_018


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.file for golden in GOLDENS])
def test_a_golden_is_a_file_of_weights(golden: Golden) -> None:
    """The file itself loads: what is not marked as weights in it is left aside."""
    arrays = _arrays(golden)
    net = golden.network()
    load(net, GOLDEN / f"{golden.file}.npz")
    with torch.inference_mode():
        assert _error(net(_image(arrays)), arrays["logits"]) <= TOLERANCE


@pytest.mark.parametrize("golden", SLIM, ids=[golden.file for golden in SLIM])
def test_each_cell(golden: Golden) -> None:
    """Every cell's mean over batch, height and width is slim's, channel by channel.

    Without passes: they may apply the next cell's ReLU to a cell's output.
    """
    arrays = _arrays(golden)
    net = nasdsl.compile(golden.genotype, passes=(), **golden.settings).eval()
    load(net, arrays)
    stem = net.stem_cells[1] if golden.genotype == "nasnet_a_mobile" else net.stem
    names = ("Stem", "Cell_0", "Reduction_Cell_0", "Cell_1", "Reduction_Cell_1", "Cell_2")
    found: dict[str, Any] = {}

    def noted(name: str) -> Callable[[Any, Any, Any], None]:
        def hook(_module: Any, _inputs: Any, outputs: Any) -> None:
            (state,) = outputs
            found[name] = state.mean((0, 2, 3))

        return hook

    for name, module in zip(names, (stem, *net.cells), strict=True):
        module.register_forward_hook(noted(name))
    with torch.inference_mode():
        net(_image(arrays))
    for name in names:
        assert _error(found[name], arrays[f"mean:{name}"]) <= TOLERANCE


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.file for golden in GOLDENS])
def test_other_functions_differ(golden: Golden) -> None:
    """The tolerance sees a change of batch norm's epsilon, or of one pool's padding."""
    arrays = _arrays(golden)
    changes: list[dict[str, Any]] = [{"batch_norm_epsilon": 0.1}]
    if golden.layout == "slim":
        changes.append({"ops": "nasnet_keras"})
    for change in changes:
        net = golden.network(**change)
        load(net, arrays)
        with torch.inference_mode():
            assert _error(net(_image(arrays)), arrays["logits"]) > 10 * TOLERANCE
