"""Equality with timm: nasnetalarge and pnasnet5large at full size, and small NASNets.

Statistics are those of random images, shaken, so that every layer's numbers matter; random
statistics alone leave logits that hardly depend on the image.
"""

from typing import Any

import pytest

import nasdsl
from nasdsl.weights import load

torch = pytest.importorskip("torch", reason="networks are torch modules")
timm = pytest.importorskip("timm", reason="timm is the peer")

from tests.torch_networks import random_images, shaken  # noqa: E402

#: Largest difference over largest logit, in float32.
TOLERANCE = 1e-4


pytestmark = pytest.mark.usefixtures("one_thread")


def _error(found: Any, expected: Any) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def _compiled(preset: str, peer: Any, **settings: Any) -> Any:
    """The network with the peer's weights."""
    net = nasdsl.compile(preset, device="meta", **settings).eval()
    state = peer.state_dict()
    assert load(net, state, "timm") == ("timm", len(state), ())
    return net


class Exclusive(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A strided average pool that leaves its padding out, as TensorFlow's does."""

    def forward(self, x: Any) -> Any:
        """One pixel of padding after where the size is even, on both sides where it is odd."""
        rows, columns = (size % 2 for size in x.shape[2:])
        around = columns, 1, rows, 1
        inside = torch.nn.functional.pad(torch.ones_like(x[:1, :1]), around)
        summed = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, around), 3, 2)
        return summed / torch.nn.functional.avg_pool2d(inside, 3, 2)


def _with_exclusive_pools(peer: Any) -> Any:
    """The peer as slim computes it."""
    for name in ("cell_stem_0", "cell_stem_1", "reduction_cell_0", "reduction_cell_1"):
        getattr(peer, name).comb_iter_2_left = Exclusive()
    return peer


@pytest.fixture(scope="module")
def large() -> Any:
    """The published NASNet-A large, with random weights and statistics."""
    torch.manual_seed(0)
    return shaken(timm.create_model("nasnetalarge"), random_images(4, 128))


@pytest.mark.parametrize("size", [331, 200])
def test_nasnetalarge(large: Any, size: int) -> None:
    """Full size, at 331 pixels and at an even size; timm's pools are those of `nasnet_timm`."""
    net = _compiled("nasnet_a_large", large, ops="nasnet_timm")
    with torch.inference_mode():
        expected, found = large(random_images(1, size)), net(random_images(1, size))
    assert found.shape == (1, 1000)
    assert _error(found, expected) <= TOLERANCE


def test_default_vocabulary(large: Any) -> None:
    """Strided average pools are all that `nasnet` does otherwise than timm."""
    x = random_images(1, 331)
    net = _compiled("nasnet_a_large", large)
    with torch.inference_mode():
        found, with_padding = net(x), large(x)
        without = _with_exclusive_pools(large)(x)
    assert _error(found, without) <= TOLERANCE
    assert _error(found, with_padding) > 10 * TOLERANCE


def test_pnasnet5large() -> None:
    """Full size, at 331 pixels and at an even size, in the default vocabulary."""
    torch.manual_seed(1)
    peer = shaken(timm.create_model("pnasnet5large"), random_images(4, 128))
    net = _compiled("pnasnet5_large", peer)
    for size in (331, 200):
        x = random_images(1, size)
        with torch.inference_mode():
            expected, found = peer(x), net(x)
        assert _error(found, expected) <= TOLERANCE
    # The logits depend on the image, so the comparison says something.
    with torch.inference_mode():
        assert _error(net(x.flip(3)), expected) > 100 * TOLERANCE


@pytest.mark.parametrize("size", [32, 64, 75, 97, 112])
def test_small_networks(size: int) -> None:
    """timm's class at other filters, stem and sizes, odd and even."""  # noqa: D403
    torch.manual_seed(size)
    peer = timm.models.nasnet.NASNetALarge(num_classes=11, stem_size=12, num_features=192)
    shaken(peer, random_images(8, 64), size)
    settings = {"filters": 192, "stem_filters": 12, "classes": 11, "image_size": size}
    net = _compiled("nasnet_a_large", peer, ops="nasnet_timm", **settings)
    x = random_images(2, size)
    with torch.inference_mode():
        assert _error(net(x), peer(x)) <= TOLERANCE


def test_features() -> None:
    """The map before the classifier, and the classifier itself, are timm's too."""
    torch.manual_seed(2)
    peer = timm.models.nasnet.NASNetALarge(num_classes=11, stem_size=12, num_features=192)
    shaken(peer, random_images(8, 64))
    settings = {"filters": 192, "stem_filters": 12, "classes": 11, "image_size": 96}
    net = _compiled("nasnet_a_large", peer, ops="nasnet_timm", **settings)
    x = random_images(2, 96)
    with torch.inference_mode():
        ours, theirs = net.forward_features(x), peer.forward_features(x)
        assert _error(ours, theirs) <= TOLERANCE
        assert _error(net.forward_head(ours), peer.forward_head(theirs)) <= TOLERANCE
