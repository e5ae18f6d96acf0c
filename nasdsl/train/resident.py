"""`ResidentBatches`: batches of images that are on the device already.

Purpose: images that are in memory and are not augmented are the same each time, so they are
transformed once and kept where the network is. A step then takes its images by their indices.
Non-goals: images that are augmented or read from files; a `DataLoader` has those.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from nasdsl.train.batches import EpochBatches
from nasdsl.train.data.splits import Stacked, TransformedImages

#: Of images that are kept, bytes.
_MEMORY = 2**29


def are_kept(images: Any) -> bool:
    """Whether images are of the kind that is kept, and few enough."""
    if not isinstance(images, TransformedImages) or images.is_random:
        return False
    first, _ = images[0]
    size = first.numel() * first.element_size() * len(images)
    return isinstance(images.images, Stacked) and size <= _MEMORY


class ResidentBatches:
    """The batches of an epoch, as a `DataLoader` gives them.

    Args:
        images: what `are_kept` says yes to.
        batches: which images each has.
        device: where they are.
    """

    def __init__(self, images: Any, batches: EpochBatches, device: torch.device) -> None:
        self.images, self.batches, self.device = images, batches, device
        self._kept: tuple[Tensor, Tensor] | None = None

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (B, C, H, W) and their classes (B,)."""
        pixels, labels = self._all()
        for seeded in self.batches:
            places = torch.tensor([index for _, index in seeded], device=self.device)
            yield pixels[places], labels[places]

    def _all(self) -> tuple[Tensor, Tensor]:
        if self._kept is None:
            pairs = [self.images[index] for index in range(len(self.images))]
            pixels = torch.stack([image for image, _ in pairs])
            labels = torch.tensor([label for _, label in pairs])
            self._kept = pixels.to(self.device), labels.to(self.device)
        return self._kept
