"""`fake` and `fake:CLASSES`: noise, for benchmarks.

Purpose: images of any size that cost next to nothing to load.
Non-goals: anything that can be learnt.
"""

import torch

from nasdsl.train.data.splits import Stacked
from nasdsl.train.data.views import Look

LOOK = Look((0.5, 0.5, 0.5), (0.289, 0.289, 0.289))
CLASSES, SIZE, CHANNELS = 10, 32, 3
_TRAIN, _TEST = 1024, 256


def images(classes: int, size: int) -> tuple[Stacked, Stacked]:
    """Training and test images, the same ones at every call."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for count in (_TRAIN, _TEST):
        shape = (count, CHANNELS, size, size)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        parts.append(Stacked(pixels, torch.arange(count) % classes))
    return parts[0], parts[1]
