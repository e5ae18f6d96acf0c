"""The data set `stripes`: lines across, or lines down."""

import torch

from nasdsl.errors import cell_error
from nasdsl.train.data import ImageSet, Look, Stacked

SIZE, CLASSES = 8, 2
LOOK = Look((0.5,), (0.3,), mirrors=True)


def stripes(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The images; `where` follows the colon of `--data stripes:WHERE`."""
    if where:
        raise cell_error("NAS825", "`stripes` takes no path")
    generator = torch.Generator().manual_seed(0)
    train, test = _images(512, generator), _images(128, generator)
    return ImageSet(train, test, train.labels, CLASSES, LOOK, SIZE)


def _images(count: int, generator: torch.Generator) -> Stacked:
    labels = torch.arange(count) % CLASSES
    pixels = torch.randint(128, (count, 1, SIZE, SIZE), dtype=torch.uint8, generator=generator)
    pixels[labels == 0, :, ::2] += 127
    pixels[labels == 1, :, :, ::2] += 127
    return Stacked(pixels, labels)
