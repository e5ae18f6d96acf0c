"""`fake` and `fake:CLASSES`: noise of any size that loads quickly, for benchmarks."""

from typing import TYPE_CHECKING

from nasdsl.errors import cell_error
from nasdsl.train.data.look import Look
from nasdsl.train.data.source import ImageSet
from nasdsl.values import Values

if TYPE_CHECKING:
    from nasdsl.train.data.splits import Stacked

LOOK = Look((0.5, 0.5, 0.5), (0.289, 0.289, 0.289))
CLASSES, SIZE, CHANNELS = 10, 32, 3
_TRAIN, _TEST = 1024, 256
_COUNTS = Values(int, minimum=1, maximum=99_999)


def fake(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `fake`, of the size that the recipe asks for.

    Raises:
        CellError: NAS825 where the text is not a number of classes.
    """
    classes: int | None = _COUNTS.legal(where) if where else CLASSES
    if classes is None:
        raise cell_error(
            "NAS825", f"`{where[:40]}` is not a number of classes", "write `fake:1000`"
        )
    size = image_size or SIZE
    train, test = images(classes, size)
    return ImageSet(train, test, train.labels, classes, LOOK, size)


def images(classes: int, size: int) -> "tuple[Stacked, Stacked]":
    """Training and test images, the same at every call."""
    import torch

    from nasdsl.train.data.splits import Stacked

    generator = torch.Generator().manual_seed(0)
    parts = []
    for count in (_TRAIN, _TEST):
        shape = (count, CHANNELS, size, size)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
        parts.append(Stacked(pixels, torch.arange(count) % classes))
    return parts[0], parts[1]
