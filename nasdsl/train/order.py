"""Which images a step sees, and in which order.

Purpose: batches that are functions of the seed, the epoch and the step alone.
Non-goals: reading and augmenting images (`nasdsl.train.data`), devices (`nasdsl.train.loop`).

A global batch is cut into equal parts, one for each process and each accumulation step. Part k
holds the same images whether two processes take one part each or one process takes both.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from nasdsl.train.randomness import seed_of, seed_torch

#: What names an image of an epoch: the seed of its augmentation, and its index.
Place = tuple[int, int]


class SeededImages(Dataset[Any]):
    """A data set whose items are asked for with the seed of their augmentation."""

    def __init__(self, images: Any) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: Place) -> Any:
        seed, index = place
        seed_torch(seed)
        return self.images[index]


class EpochBatches:
    """The batches of one process in one epoch, from a step on.

    Args:
        count: images there are.
        batch: images of a step, over all processes.
        seed: the run's seed.
        rank: which process this is.
        processes: how many there are.
        accumulation: parts of a batch that a process takes one after the other.

    An incomplete last batch is left out, so every step is of the same size; which images
    those are differs from epoch to epoch.
    """

    def __init__(
        self,
        count: int,
        batch: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
        accumulation: int = 1,
    ) -> None:
        parts = processes * accumulation
        assert batch % parts == 0, (batch, parts)
        self.count, self.batch, self.seed = count, batch, seed
        self.part = batch // parts
        self.mine = range(rank * accumulation, (rank + 1) * accumulation)
        self.epoch, self.first = 0, 0

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.count // self.batch

    def begin(self, epoch: int, first: int = 0) -> None:
        """Let the next iteration be over this epoch, from step `first` of it."""
        self.epoch, self.first = epoch, first

    def __len__(self) -> int:
        return (self.steps - self.first) * len(self.mine)

    def __iter__(self) -> Iterator[list[Place]]:
        order = epoch_order(self.count, self.seed, self.epoch).tolist()
        for step in range(self.first, self.steps):
            for part in self.mine:
                start = step * self.batch + part * self.part
                yield self._places(order[start : start + self.part])

    def _places(self, indices: Sequence[int]) -> list[Place]:
        return [(seed_of(self.seed, "image", self.epoch, index), index) for index in indices]


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """A permutation of `count` images, (count,)."""
    generator = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    return torch.randperm(count, generator=generator)
