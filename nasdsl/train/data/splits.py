"""`Splits`: the images of a training in three parts, from whatever source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import Dataset

from nasdsl.train.data.preparation import Preparation


class Images(Protocol):
    """Pairs by index: an image (C, H, W), float, and its class."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Tensor, int]: ...


@dataclass(frozen=True, slots=True)
class Splits:
    """Images in three parts that have none in common.

    Attributes:
        name: the text that names them, such as `cifar10:PATH`, with an absolute path.
        train: for training; augmented, with PyTorch's random numbers.
        held_out: for choosing recipes and architectures; None where none are held out.
        test: for reporting; None where the source has none.
        classes: number of classes.
        channels: of an image.
        image_size: height and width in pixels.
        names: of the classes, in order; empty where they have none.
        preparation: what evaluation does to an image, and the names of the classes; None where
            nobody says it.
    """

    name: str
    train: Images
    held_out: Images | None
    test: Images | None
    classes: int
    channels: int
    image_size: int
    names: tuple[str, ...] = ()
    preparation: Preparation | None = None


class TransformedImages(Dataset[tuple[Tensor, int]]):
    """Some of the images of a set, each seen through a transform.

    Args:
        images: pairs by index of what the transform takes, and a class.
        transform: makes the image (C, H, W), float.
        indices: of the images; None for all of them.
        is_random: whether the transform draws random numbers.
    """

    def __init__(
        self,
        images: Any,
        transform: Callable[[Any], Tensor],
        indices: Sequence[int] | None = None,
        is_random: bool = False,
    ) -> None:
        self.images, self.transform, self.is_random = images, transform, is_random
        self.indices = range(len(images)) if indices is None else indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, label = self.images[self.indices[index]]
        return self.transform(image), int(label)


class Stacked(Dataset[tuple[Tensor, int]]):
    """Images that are in memory: (N, C, H, W) of bytes, and (N,) classes."""

    def __init__(self, pixels: Tensor, labels: Tensor) -> None:
        assert pixels.dtype == torch.uint8
        assert len(pixels) == len(labels)
        self.pixels, self.labels = pixels, labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.pixels[index], self.labels[index]


#: The same images are held out whatever the seed of a run, so that results of different seeds,
#: and children of one search, are compared on the same ones.
_SPLIT_SEED = 0


def split_by_class(labels: Sequence[int], share: float) -> tuple[list[int], list[int]]:
    """Indices in two parts, the second with `share` of each class; the same at every call."""
    labels = list(labels)
    generator = torch.Generator().manual_seed(_SPLIT_SEED)
    order = torch.randperm(len(labels), generator=generator).tolist()
    by_class: dict[int, list[int]] = {}
    for index in order:
        by_class.setdefault(labels[index], []).append(index)
    second = {index for found in by_class.values() for index in found[: round(share * len(found))]}
    return [i for i in range(len(labels)) if i not in second], sorted(second)
