"""How good members are with the weights that they inherit: `HeldOut`, images to measure them on."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from nasdsl.language.genotype.types import Genotype
from nasdsl.train.batches import Reported, collated, epoch_order, readable

#: Images that are measured together, at most. Batch norms normalise by what is measured together.
_TOGETHER = 256
#: Of images that are kept in memory, bytes.
_MEMORY = 2**29


class HeldOut:
    """Images held out, in a fixed order in which the classes are mixed.

    Args:
        images: pairs by index of an image and its class.
        device: where they are looked at.
        count: of the images that are used; None for all.
    """

    def __init__(self, images: Any, device: torch.device, count: int | None = None) -> None:
        order = epoch_order(len(images), 0, 0)[:count].tolist()
        parts = max(1, -(-len(order) // _TOGETHER))
        self.images, self.device = images, device
        self.parts = [order[part::parts] for part in range(parts)]
        self.count = len(order)
        first, _ = images[order[0]]
        self._keeps = first.numel() * first.element_size() * len(order) <= _MEMORY
        self._kept: list[tuple[Tensor, Tensor]] = []

    def accuracy(self, net: Any, genotype: Genotype) -> float:
        """The share of right answers of a member, which stays chosen; 0 to 1.

        Raises:
            CellError: NAS602, it is not a member.
        """
        net.choose(genotype)
        hits = 0
        with torch.no_grad():
            for pixels, labels in self._batches():
                hits += int((net.logits(pixels).argmax(1) == labels).sum())
        return hits / self.count

    def _batches(self) -> Any:
        if self._kept:
            return self._kept
        made = (self._batch(part) for part in self.parts)
        if not self._keeps:
            return made
        self._kept = list(made)
        return self._kept

    def _batch(self, part: list[int]) -> tuple[Tensor, Tensor]:
        loader = DataLoader(Reported(Subset(self.images, part)), len(part), collate_fn=collated)
        ((pixels, labels),) = readable(loader)
        return pixels.to(self.device), labels.to(self.device)
