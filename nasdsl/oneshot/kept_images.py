"""`kept_images`: images that are transformed once, where nothing about them is random.

Purpose: a small network's step takes less time than the transforms of its images.
Non-goals: images that are augmented.
"""

from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

#: Of images that are kept in memory, bytes.
_MEMORY = 2**29


def kept_images(images: Any) -> Any:
    """The same images, each of which is made once; themselves where they are too many to keep.

    Args:
        images: pairs by index of an image (C, H, W), always the same, and its class.
    """
    first, _ = images[0]
    size = first.numel() * first.element_size() * len(images)
    return _Kept(images) if size <= _MEMORY else images


class _Kept(Dataset[tuple[Tensor, int]]):
    def __init__(self, images: Any) -> None:
        self.images = images
        self.made: dict[int, tuple[Tensor, int]] = {}

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index not in self.made:
            self.made[index] = self.images[index]
        return self.made[index]
