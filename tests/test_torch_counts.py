"""Parameters and mult-adds of built networks are those the cost model counts."""

import pytest
import torch
from nasdsl_backends.torch import Network
from torch.utils.flop_counter import FlopCounterMode

import nasdsl
from nasdsl import library
from nasdsl.api.compile import compiled_graph
from nasdsl.network import NetworkGraph
from nasdsl.network.cost import graph_cost
from tests.thorough import many
from tests.torch_networks import (
    built,
    random_graphs,
)

PRESETS = [
    name
    for name in library.names()
    if nasdsl.load_space(name).settings.given() and nasdsl.count(nasdsl.load_space(name)) == 1
]


def counted_parameters(net: Network) -> tuple[int, int]:
    """Trained parameters without and within the auxiliary classifier."""
    sizes = {name: parameter.numel() for name, parameter in net.named_parameters()}
    auxiliary = sum(size for name, size in sizes.items() if name.startswith("auxiliary."))
    return sum(sizes.values()) - auxiliary, auxiliary


def statistics(net: Network) -> int:
    """Moving means and variances."""
    return sum(b.numel() for name, b in net.named_buffers() if ".running_" in name)


def mult_adds(net: Network, graph: NetworkGraph) -> int:
    """Half the floating point operations PyTorch counts for one image."""
    # With gradients the counter would follow those of every module, too.
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net.eval()(torch.empty((1, *graph.image), device="meta"))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("seed", range(10))
def test_random_networks(seed: int) -> None:
    """Random genotypes, even and odd sizes: what is counted equals the cost, to the unit.

    A hundred of them, and a thousand with HYPOTHESIS_PROFILE=thorough.
    """
    for graph in random_graphs(many(100, usually=10), seed):
        net, cost = built(graph, device="meta"), graph_cost(graph)
        assert counted_parameters(net) == (cost.params, cost.auxiliary_params)
        assert statistics(net) == cost.params_total - cost.params
        assert mult_adds(net, graph) == cost.mult_adds


@pytest.mark.parametrize("name", PRESETS)
def test_published_networks(name: str) -> None:
    """The published networks at full size, with their auxiliary classifiers."""
    graph = compiled_graph(name, auxiliary=True)
    net, cost = built(graph, device="meta"), graph_cost(graph)
    assert counted_parameters(net) == (cost.params, cost.auxiliary_params)
    assert mult_adds(net, graph) == cost.mult_adds
