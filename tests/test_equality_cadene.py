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

TOLERANCE = 1e-4


pytestmark = pytest.mark.usefixtures("one_thread")


def _images(count: int, size: int) -> Any:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(size))


def _shake(net: Any) -> None:
    """Random scales, and statistics near those of random images."""
    dice = torch.Generator().manual_seed(0)
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5, generator=dice)
            norm.bias.normal_(0, 0.5, generator=dice)
            norm.momentum = 1.0
        net.train()(_images(4, 128))
        for norm in norms:
            noise = torch.randn(norm.running_mean.shape, generator=dice)
            norm.running_mean.add_(noise * norm.running_var.sqrt() / 10)
            factor = torch.empty_like(norm.running_var).uniform_(0.8, 1.25, generator=dice)
            norm.running_var.mul_(factor)
    net.eval()


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
    _shake(net)
    peer = getattr(getattr(models, module), kind)(num_classes=1001).eval()
    theirs = {
        source.name: net.state_dict()[ours]
        for ours, source in nasdsl.weights.table(net.graph, "cadene").items()
    }
    peer.load_state_dict(theirs, strict=True)
    x = _images(1, size)
    ours = nasdsl.compile(preset, device="meta").eval()
    load(ours, peer.state_dict(), "cadene", drop_background=True)
    with torch.inference_mode():
        expected = peer(x)
        assert _error(net(x), expected) <= TOLERANCE
        assert _error(ours(x), expected[:, 1:]) <= TOLERANCE
