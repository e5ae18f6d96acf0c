"""Equality with Cadene's networks, where `pretrainedmodels` is installed.

They compute what slim computes at the sizes they were written for, 331 and 224 pixels, and
nowhere else. Names and shapes are tested without the package (`test_weights_names`).
"""

from typing import Any

import pytest

import nasdsl
from nasdsl.weights import load

torch = pytest.importorskip("torch", reason="networks are torch modules")
models = pytest.importorskip(
    "pretrainedmodels.models", reason="Cadene's package is the peer", exc_type=ImportError
)

from tests.torch_networks import random_images, shaken  # noqa: E402

TOLERANCE = 1e-4


pytestmark = pytest.mark.usefixtures("one_thread")


def _error(found: Any, expected: Any) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    ("preset", "module", "kind", "size"),
    [
        ("nasnet_a_large", "nasnet", "NASNetALarge", 331),
        ("nasnet_a_mobile", "nasnet_mobile", "NASNetAMobile", 224),
        ("pnasnet5_large", "pnasnet", "PNASNet5Large", 331),
    ],
)
def test_full_size(preset: str, module: str, kind: str, size: int) -> None:
    """1001 classes, as its checkpoints have, and without the background 1000."""
    net = nasdsl.compile(preset, classes=1001, seed=0)
    shaken(net, random_images(4, 128))
    peer = getattr(getattr(models, module), kind)(num_classes=1001).eval()
    theirs = {
        source.name: net.state_dict()[ours]
        for ours, source in nasdsl.weights.table(net.graph, "cadene").items()
    }
    peer.load_state_dict(theirs, strict=True)
    x = random_images(1, size)
    ours = nasdsl.compile(preset, device="meta").eval()
    load(ours, peer.state_dict(), "cadene", drop_background=True)
    with torch.inference_mode():
        expected = peer(x)
        assert _error(net(x), expected) <= TOLERANCE
        assert _error(ours(x), expected[:, 1:]) <= TOLERANCE
