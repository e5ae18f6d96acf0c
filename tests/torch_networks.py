"""Small networks for the tests of the PyTorch backend."""

from collections.abc import Iterator
from random import Random
from typing import Any, TypeVar

import torch
from nasdsl_backends.torch import Network
from torch import Tensor, nn

import nasdsl
from nasdsl import backend as backends
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network import NetworkGraph, network_graph
from nasdsl.passes import Pipeline

SPACE = nasdsl.load_space("nasnet_space")
#: Every kind of network the library has: skeletons, vocabularies, outputs, combines.
KINDS = (
    "nasnet_a_cifar",
    "nasnet_a_mobile",
    "nasnet_a_large",
    "pnasnet5_large",
    "darts_v2_cifar",
    "darts_v2_imagenet",
    "example_b_form",
    "example_c_form",
)


def built(graph: NetworkGraph, names: tuple[str, ...] | None = None, **options: Any) -> Network:
    """The network of a graph as the compiler builds it: after passes, which are verified."""
    made = backends.build(backends.find("torch"), graph, Pipeline(names, True), **options)
    assert isinstance(made, Network)
    return made


def small(source: str | Genotype, **settings: object) -> NetworkGraph:
    """The graph of a genotype with few filters and cells, at a small odd image size."""
    genotype = nasdsl.load(source) if isinstance(source, str) else source
    cell_filters = settings.pop("cell_filters", 8)
    assert isinstance(cell_filters, int)
    chosen = {"N": 1, "image_size": 45, "classes": 7, **settings}
    if chosen.get("filters") is None:
        chosen["cell_filters"] = cell_filters
    return network_graph(genotype, Settings(**chosen))  # type: ignore[arg-type]


def random_images(count: int, size: int) -> Tensor:
    """Images (`count`, 3, `size`, `size`), the same in every run."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(size))


def shaken(net: nn.Module, images: Tensor, seed: int = 0) -> Any:
    """A peer's network with random scales, and statistics near those of the images."""
    dice = torch.Generator().manual_seed(seed)
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5, generator=dice)
            norm.bias.normal_(0, 0.5, generator=dice)
            norm.momentum = 1.0
        net.train()(images)
        for norm in norms:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            noise = torch.randn(norm.running_mean.shape, generator=dice)
            norm.running_mean.add_(noise * norm.running_var.sqrt() / 10)
            factor = torch.empty_like(norm.running_var).uniform_(0.8, 1.25, generator=dice)
            norm.running_var.mul_(factor)
    return net.eval()


def halving_genotype() -> Genotype:
    """Cells that reduce by factorized reductions; the first stem cell's has F/4 filters."""
    return nasdsl.loads("""
        genotype halving
        ops nasnet
        op halve = [relu, factorized_reduce, batch_norm]
        cell normal { b0 = (h[i], h[i-1], identity, identity, add) }
        cell reduction { b0 = (h[i], h[i], halve, halve, add) }
    """)


def random_graphs(count: int, seed: int, largest: int = 64) -> Iterator[NetworkGraph]:
    """Networks of random genotypes of the paper's space on random small skeletons."""
    draw = Random(seed)
    for genotype in nasdsl.sample(SPACE, count, seed):
        stem = draw.choice(["cifar", "imagenet"])
        yield small(
            genotype,
            skeleton=draw.choice(["nasnet", "nasnet", "pnasnet"]),
            stem=stem,
            cell_filters=draw.choice([4, 8]),
            stem_filters=draw.randrange(1, 9),
            image_size=draw.randrange(33 if stem == "imagenet" else 10, largest),
            auxiliary=False,
        )


_Module = TypeVar("_Module", bound=nn.Module)


def randomised(net: _Module, seed: int = 0) -> _Module:
    """The network with statistics, scales, shifts and biases that do something."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.Linear):
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                if tensor.dim() != 1:
                    continue
                drawn = torch.rand(tensor.shape, generator=generator)
                positive = name in ("weight", "running_var")
                tensor.detach().copy_(drawn + 0.5 if positive else drawn - 0.5)
    return net


def image(graph: NetworkGraph, batch: int = 2, size: int | None = None, seed: int = 0) -> Tensor:
    """A random image of the network's size, or another."""
    channels, height, width = graph.image
    shape = (batch, channels, size or height, size or width)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
