"""`digits`: 1,797 handwritten digits of 8x8 pixels that come with scikit-learn.

Purpose: real images that are there without a download.
Non-goals: MNIST; these are the test images of the UCI set "Optical Recognition of Handwritten
Digits" (Alpaydin and Kaynak 1998), at 17 levels of grey.
"""

from functools import cache

import torch

from nasdsl.errors import cell_error, install_hint
from nasdsl.train.data.source import ImageSet
from nasdsl.train.data.splits import Stacked, parted
from nasdsl.train.data.views import Look

#: Mean and deviation of the images not in the test part.
LOOK = Look((0.305,), (0.376,), mirrors=False, background=True)
SIZE, CLASSES, CHANNELS = 8, 10, 1
#: The source has no test part: a fifth of each class is set aside, always the same one.
_TEST = 0.2


def digits(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `digits`.

    Raises:
        CellError: NAS825 where a path is given, NAS701 where scikit-learn is not there.
    """
    if where:
        raise cell_error("NAS825", "`digits` comes with scikit-learn and takes no path")
    train, test = images()
    return ImageSet(train, test, train.labels, CLASSES, LOOK, SIZE)


@cache
def images() -> tuple[Stacked, Stacked]:
    """Training and test images.

    Raises:
        CellError: NAS701, scikit-learn is not there.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise cell_error(
            "NAS701", "the digits come with scikit-learn", install_hint("train")
        ) from error
    found = load_digits()
    # 16 is white.
    pixels = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    labels = torch.from_numpy(found.target)
    train, test = (torch.tensor(part) for part in parted(labels.tolist(), _TEST))
    return Stacked(pixels[train], labels[train]), Stacked(pixels[test], labels[test])
