"""`fake` and `fake:CLASSES`: noise, for benchmarks.

Purpose: images of any size that cost next to nothing to load.
Non-goals: anything that can be learnt.
"""

import torch

from nasdsl.errors import cell_error
from nasdsl.train.data.source import ImageSet
from nasdsl.train.data.splits import Stacked
from nasdsl.train.data.views import Look
from nasdsl.values import Values

LOOK = Look((0.5, 0.5, 0.5), (0.289, 0.289, 0.289))
CLASSES, SIZE, CHANNELS = 10, 32, 3
_TRAIN, _TEST = 1024, 256
_COUNTS = Values(int, minimum=1, maximum=99_999)


def fake(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `fake`, of the size that is asked for.

    Raises:
        CellError: NAS825 where something else than a number of classes is given.
    """
    classes: int | None = _COUNTS.legal(where) if where else CLASSES
    if classes is None:
        raise cell_error("NAS825", f"`{where[:40]}` is no number of classes", "write `fake:1000`")
    size = image_size or SIZE
    train, test = images(classes, size)
    return ImageSet(train, test, train.labels, classes, LOOK, size)


def images(classes: int, size: int) -> tuple[Stacked, Stacked]:
    """Training and test images, the same ones at every call."""
    generator = torch.Generator().manual_seed(0)
    parts = []
    for count in (_TRAIN, _TEST):
        shape = (count, CHANNELS, size, size)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        parts.append(Stacked(pixels, torch.arange(count) % classes))
    return parts[0], parts[1]
