"""`digits`: 1,797 handwritten digits of 8x8 pixels that come with scikit-learn.

Real images without a download. They are not MNIST, but the test images of the UCI set "Optical
Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998), at 17 levels of grey.
"""

from functools import cache
from typing import TYPE_CHECKING

from nasdsl.errors import cell_error, install_hint
from nasdsl.train.data.look import Look
from nasdsl.train.data.source import ImageSet

if TYPE_CHECKING:
    from nasdsl.train.data.splits import Stacked

#: Mean and deviation of the training images.
LOOK = Look((0.305,), (0.376,), mirrors=False, background=True)
SIZE, CLASSES, CHANNELS = 8, 10, 1
NAMES = tuple("0123456789")
#: The source has no test images: a fifth of each class, always the same, is set aside.
_TEST = 0.2


def digits(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `digits`.

    Raises:
        CellError: NAS825 where a path is given, NAS701 where scikit-learn is not installed.
    """
    if where:
        raise cell_error("NAS825", "`digits` comes with scikit-learn and takes no path")
    train, test = images()
    return ImageSet(train, test, train.labels, CLASSES, LOOK, SIZE, NAMES)


@cache
def images() -> "tuple[Stacked, Stacked]":
    """Training and test images.

    Raises:
        CellError: NAS701, scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise cell_error(
            "NAS701",
            "the digits come with scikit-learn, which is not installed",
            install_hint("train"),
        ) from error
    import torch

    from nasdsl.train.data.splits import Stacked, split_by_class

    found = load_digits()
    # 16 is white.
    pixels = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    labels = torch.from_numpy(found.target)
    train, test = (torch.tensor(part) for part in split_by_class(labels.tolist(), _TEST))
    return Stacked(pixels[train], labels[train]), Stacked(pixels[test], labels[test])
