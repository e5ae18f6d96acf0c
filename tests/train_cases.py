"""A network and images so small that training takes a second."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

import nasdsl
from nasdsl.train import Recipe, Splits, recipe

CELLS = """\
genotype tiny
ops nasnet
cell normal { b0 = (h[i], h[i-1], sep_conv_3x3, identity, add) }
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add) }
"""


class Noisy(Dataset[tuple[Tensor, int]]):
    """Images whose mean tells their class, with noise that is drawn anew each time."""

    def __init__(self, count: int, noise: float = 0.5) -> None:
        generator = torch.Generator().manual_seed(count)
        self.labels = torch.randint(3, (count,), generator=generator).tolist()
        self.noise = noise

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        label = self.labels[index]
        return torch.full((1, 8, 8), label - 1.0) + self.noise * torch.randn(1, 8, 8), label


def splits(train: int = 44) -> Splits:
    """44 images to train on, 20 held out, 12 to test."""
    still = 0.0
    return Splits("noisy", Noisy(train), Noisy(20, still), Noisy(12, still), 3, 1, 8)


def short(**values: Any) -> Recipe:
    """Three epochs of five steps."""
    chosen = {"epochs": 3, "batch": 8, "warmup": 0.0, "optimizer": "adamw", "lr": 4e-3}
    chosen |= {"rho": 0.99, "label_smoothing": 0.1, "weight_decay": 0.05, "cutout": 2}
    return replace(recipe("quick"), **{**chosen, **values})


def network(seed: int = 0, **settings: Any) -> Any:
    """A network for `splits`."""
    chosen: dict[str, Any] = {"N": 1, "filters": 8, "stem": "cifar", "image_size": 8, "classes": 3}
    chosen |= {"drop_path": 0.0, "dropout": 0.0, **settings}
    return nasdsl.compile(nasdsl.loads(CELLS), input_channels=1, seed=seed, **chosen)
