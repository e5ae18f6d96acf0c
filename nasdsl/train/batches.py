"""Which images a step sees, in which order, and with which random numbers.

All of it is a function of the run's seed, the epoch and the step. Seeds are derived from the
place they are used at: the order of an epoch, the augmentation of one image, what one forward
pass drops. No generator's state has to be saved, because none outlives the place it was seeded
for; a resumed run, a run with another number of loading processes, and a run distributed over
several devices draw the same numbers. (Initial weights are drawn by `nasdsl.compile(seed=...)`.)

A global batch is divided into equal parts, one for each process and each accumulation step. Part
k holds the same images whether two processes take one part each or one process takes both.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from nasdsl.api.isolated import isolated_start
from nasdsl.errors import CellError

if TYPE_CHECKING:
    import torch

#: An image of an epoch: the seed of its augmentation, and its index.
SeededIndex = tuple[int, int]


class Reported(Dataset[Any]):
    """A data set with errors for images that cannot be read.

    An exception of a process that loads images would arrive as the text of a traceback.
    """

    def __init__(self, images: Any) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: Any) -> Any:
        try:
            return self.images[item]
        except CellError as error:
            return error


def collated(items: Sequence[Any]) -> Any:
    """A batch of a `Reported` data set, or the error of the first image that has one."""
    error = next((item for item in items if isinstance(item, CellError)), None)
    return default_collate(list(items)) if error is None else error


def readable(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches, up to the first one that is an error.

    Raises:
        CellError: that error.
    """
    # Where processes load the images, they start here.
    with isolated_start():
        loaded = iter(batches)
    for batch in loaded:
        if isinstance(batch, CellError):
            raise batch
        yield batch


class SeededImages(Dataset[Any]):
    """A data set that seeds the augmentation of each image."""

    def __init__(self, images: Any) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: SeededIndex) -> Any:
        seed, index = item
        seed_torch(seed)
        return self.images[index]


class EpochBatches:
    """The batches of one process in one epoch, from a step on.

    Args:
        count: number of images.
        batch: images a step, over all processes.
        seed: the run's seed.
        rank: number of this process.
        processes: number of processes.
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
        self.own_parts = range(rank * accumulation, (rank + 1) * accumulation)
        self.epoch, self.first = 0, 0

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.count // self.batch

    def begin(self, epoch: int, first: int = 0) -> None:
        """Make the next iteration run over this epoch, from its step `first`."""
        self.epoch, self.first = epoch, first

    def __len__(self) -> int:
        return (self.steps - self.first) * len(self.own_parts)

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        order = epoch_order(self.count, self.seed, self.epoch).tolist()
        for step in range(self.first, self.steps):
            for part in self.own_parts:
                start = step * self.batch + part * self.part
                yield self._seeded(order[start : start + self.part])

    def _seeded(self, indices: Sequence[int]) -> list[SeededIndex]:
        return [(seed_of(self.seed, "image", self.epoch, index), index) for index in indices]


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """A permutation of `count` images, (count,)."""
    generator = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    return torch.randperm(count, generator=generator)


Use = Literal["order", "image", "forward"]


def seed_of(seed: int, use: Use, *position: int) -> int:
    """A seed from 0 to 2^63 - 1 for one use at one position, unrelated to any other."""
    words = ",".join(map(str, (seed, use, *position)))
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest()) >> 1


def seed_torch(seed: int, device: "torch.device | None" = None) -> None:
    """Seed PyTorch's generator on the CPU, and that of `device` if it is another.

    `torch.manual_seed` would seed every device there is, which takes longer than drawing.
    """
    import torch

    torch.default_generator.manual_seed(seed)
    if device is not None and device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device is not None and device.type == "mps":
        torch.mps.manual_seed(seed)
