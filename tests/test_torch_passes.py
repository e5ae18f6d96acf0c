"""Passes keep the function: networks with and without them, on the same weights."""

from itertools import islice

import pytest
import torch
from torch import Tensor

from nasdsl import backend as backends
from nasdsl.network import NetworkGraph
from nasdsl.passes import PASSES
from tests.test_passes import PACKAGES, PIPELINES
from tests.torch_networks import KINDS, built, image, random_graphs, randomised, small

pytestmark = pytest.mark.usefixtures("one_thread")


def difference(graph: NetworkGraph, names: tuple[str, ...], size: int | None = None) -> float:
    """How far the logits after some passes are from those without, relative to the largest."""
    plain = randomised(built(graph, names=(), dtype=torch.float64, seed=1)).eval()
    passed = built(graph, names=names, dtype=torch.float64, seed=2).eval()
    passed.load_state_dict(plain.state_dict())
    assert list(passed.state_dict()) == list(plain.state_dict())
    assert passed.graph is plain.graph is graph
    pixels = image(graph, size=size).double()
    with torch.inference_mode():
        expected, found = plain(pixels), passed(pixels)
    assert isinstance(expected, Tensor)
    return float((expected - found).abs().max() / expected.abs().max())


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("kind", KINDS)
def test_library(name: str, kind: str) -> None:
    """Every kind of network of the library."""
    assert difference(small(kind), PIPELINES[name]) < 1e-12


@pytest.mark.parametrize("name", PIPELINES)
def test_random_genotypes(name: str) -> None:
    """Random genotypes on random skeletons, at the graph's size and at another."""
    for graph in islice(random_graphs(8, 300, largest=48), 8):
        assert difference(graph, PIPELINES[name]) < 1e-12
        assert difference(graph, PIPELINES[name], graph.configuration.image_size + 1) < 1e-12


def test_third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package's pass between ours: the torch backend runs what the graph has become."""
    monkeypatch.syspath_prepend(PACKAGES / "shortcut")
    assert "shortcut" in PASSES
    graph = small("nasnet_a_cifar", dropout=0.5)
    assert difference(graph, ("merge", "shortcut", "hoist")) < 1e-12


def test_training_statistics() -> None:
    """In training too: logits of both classifiers, gradients and moving statistics agree."""
    graph = small("nasnet_a_cifar", auxiliary=True, drop_path=0.0, dropout=0.0, image_size=33)
    nets = [
        randomised(built(graph, names=names, dtype=torch.float64, seed=1)).train()
        for names in ((), ("merge", "hoist", "dead"))
    ]
    pixels = image(graph).double()
    for net in nets:
        made = net(pixels)
        (made.logits.square().sum() + made.aux_logits.square().sum()).backward()
    plain, passed = nets
    for name, parameter in plain.named_parameters():
        found = passed.get_parameter(name).grad
        torch.testing.assert_close(found, parameter.grad, rtol=1e-8, atol=1e-9)
    for name, buffer in plain.named_buffers():
        torch.testing.assert_close(passed.get_buffer(name), buffer, rtol=1e-10, atol=1e-12)


def test_what_the_backend_asks_for() -> None:
    """The torch backend runs `merge`, then `hoist`; `source` prints graphs as they are."""
    assert backends.passes_of(backends.find("torch")) == ("merge", "hoist")
    assert backends.passes_of(backends.find("source")) == ()
