"""Equality with Keras 3 on its torch backend: NASNetMobile and NASNetLarge at full size.

Keras refuses `NASNetMobile` on that backend in some releases. The refusal stands in that
function alone; the general `NASNet` it calls builds the same network, so that is used.

Statistics are made by our network, which takes any size, and handed to Keras.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import nasdsl
from nasdsl.weights import load, table

torch = pytest.importorskip("torch", reason="Keras runs on torch here")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is the peer")
if keras.backend.backend() != "torch":
    pytest.skip("Keras was started on another backend", allow_module_level=True)

from tests.thorough import many  # noqa: E402
from tests.torch_networks import random_images, shaken  # noqa: E402

# Keras hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TOLERANCE = 1e-4

#: What `NASNetMobile` hands to `NASNet`.
MOBILE = {
    "penultimate_filters": 1056,
    "num_blocks": 4,
    "stem_block_filters": 32,
    "skip_reduction": False,
    "filter_multiplier": 2,
    "default_size": 224,
}
SMALL = MOBILE | {"penultimate_filters": 192, "num_blocks": 1, "stem_block_filters": 8}


def _general(**options: Any) -> Any:
    """The network that NASNetMobile and NASNetLarge are cases of; it is not exported."""
    nasnet = pytest.importorskip(
        "keras.src.applications.nasnet", reason="this Keras keeps NASNet elsewhere"
    )
    return nasnet.NASNet(weights=None, classifier_activation=None, **options)


def _mobile() -> Any:
    try:
        return keras.applications.NASNetMobile(weights=None, classifier_activation=None)
    except ValueError:
        return _general(**MOBILE)


def _named(peer: Any) -> dict[str, Any]:
    """Keras' variables by the layout's names."""
    return {"/".join(weight.path.split("/")[-2:]): weight for weight in peer.weights}


def _hand_over(net: Any, peer: Any) -> dict[str, Any]:
    """Give the peer the network's values; the peer's weights as Keras names them."""
    state, weights = net.state_dict(), _named(peer)
    for ours, source in table(net.graph, "keras").items():
        value = state[ours]
        if source.axes is not None:
            value = value.permute(*numpy.argsort(source.axes).tolist())
        weights.pop(source.name).assign(value)
    assert weights == {}
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in peer.weights}


def _error(found: Any, expected: Any) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def _logits(peer: Any, x: Any) -> Any:
    return torch.as_tensor(peer(x.permute(0, 2, 3, 1), training=False)).cpu()


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """One thread a process: tests run side by side, and more threads only wait for others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    keras.backend.clear_session()


PUBLISHED = [
    ("nasnet_a_mobile", _mobile),
    (
        "nasnet_a_large",
        lambda: keras.applications.NASNetLarge(weights=None, classifier_activation=None),
    ),
]


@pytest.mark.parametrize(("preset", "build"), PUBLISHED[: many(2, usually=1)])
def test_full_size(preset: str, build: Any, tmp_path: Path) -> None:
    """The published networks at their published size, through variables and through a file.

    The large one with HYPOTHESIS_PROFILE=thorough.
    """
    peer = build()
    size = peer.input_shape[1]
    net = nasdsl.compile(preset, ops="nasnet_keras", seed=0)
    shaken(net, random_images(4, 128))
    weights = _hand_over(net, peer)
    x = random_images(1, size)
    with torch.inference_mode():
        expected = _logits(peer, x)
    peer.save_weights(tmp_path / "peer.weights.h5")
    net, read = (nasdsl.compile(preset, ops="nasnet_keras", device="meta").eval() for _ in range(2))
    assert load(net, weights) == ("keras", len(weights), ())
    with torch.inference_mode():
        assert _error(net(x), expected) <= TOLERANCE
    assert load(read, tmp_path / "peer.weights.h5") == ("keras", len(weights), ())
    held = read.state_dict()
    for name, tensor in net.state_dict().items():
        assert torch.equal(held[name], tensor), name


@pytest.mark.parametrize("size", [32, 47, 64, 97, 113])
@pytest.mark.parametrize("skips", [False, True])
def test_small_networks(size: int, skips: bool) -> None:
    """Keras' general NASNet at odd and even sizes, with both ways round a reduction."""
    peer = _general(input_shape=(size, size, 3), classes=7, **(SMALL | {"skip_reduction": skips}))
    net = nasdsl.compile(
        "nasnet_a_mobile",
        ops="nasnet_keras",
        N=1,
        filters=192,
        stem_filters=8,
        image_size=size,
        classes=7,
        skip_reduction_input=skips,
        seed=size,
    )
    shaken(net, random_images(4, 128))
    _hand_over(net, peer)
    x = random_images(2, size)
    with torch.inference_mode():
        assert _error(net(x), _logits(peer, x)) <= TOLERANCE


def test_default_vocabulary() -> None:
    """Keras pads strided pools with zeros it counts; the default vocabulary does not."""
    peer = _general(input_shape=(64, 64, 3), classes=7, **SMALL)
    settings = {"N": 1, "filters": 192, "stem_filters": 8, "image_size": 64, "classes": 7}
    net = nasdsl.compile("nasnet_a_mobile", seed=1, **settings)
    shaken(net, random_images(4, 128))
    _hand_over(net, peer)
    x = random_images(2, 64)
    with torch.inference_mode():
        assert _error(net(x), _logits(peer, x)) > 10 * TOLERANCE


@pytest.mark.filterwarnings("ignore:.*HDF5")
@pytest.mark.parametrize("name", ["x.keras", "x.h5", "x.weights.h5"])
def test_files(name: str, tmp_path: Path) -> None:
    """Each kind of file that Keras writes is read, and gives every tensor."""
    peer = _general(input_shape=(64, 64, 3), classes=7, **SMALL)
    settings = {"N": 1, "filters": 192, "stem_filters": 8, "image_size": 64, "classes": 7}
    net = nasdsl.compile("nasnet_a_mobile", seed=1, **settings)
    shaken(net, random_images(4, 128))
    _hand_over(net, peer)
    save = peer.save_weights if name.endswith(".weights.h5") else peer.save
    save(tmp_path / name)
    other = nasdsl.compile("nasnet_a_mobile", seed=2, **settings)
    assert load(other, tmp_path / name).layout == "keras"
    held = net.state_dict()
    for ours, tensor in other.state_dict().items():
        assert ours.endswith("num_batches_tracked") or torch.equal(tensor, held[ours])
