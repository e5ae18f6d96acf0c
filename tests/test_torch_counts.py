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
    with FlopCounterMode(display=False) as counter:
        net.eval()(torch.empty((1, *graph.image), device="meta"))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("seed", range(10))
def test_parameters_of_random_networks(seed: int) -> None:
    """A thousand random genotypes: parameters and statistics equal the cost, to the unit."""
    for graph in random_graphs(100, seed):
        net, cost = built(graph, device="meta"), graph_cost(graph)
        assert counted_parameters(net) == (cost.params, cost.auxiliary_params)
        assert statistics(net) == cost.params_total - cost.params


@pytest.mark.parametrize("seed", range(10))
def test_mult_adds_of_random_networks(seed: int) -> None:
    """A thousand random genotypes, even and odd sizes: mult-adds equal the cost."""
    for graph in random_graphs(100, seed):
        net = built(graph, device="meta")
        assert mult_adds(net, graph) == graph_cost(graph).mult_adds


@pytest.mark.parametrize("name", PRESETS)
def test_published_networks(name: str) -> None:
    """The published networks at full size, with their auxiliary classifiers."""
    graph = compiled_graph(name, auxiliary=True)
    net, cost = built(graph, device="meta"), graph_cost(graph)
    assert counted_parameters(net) == (cost.params, cost.auxiliary_params)
    assert mult_adds(net, graph) == cost.mult_adds
