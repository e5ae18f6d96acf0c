"""`fashion-mnist` and `fashion-mnist:PATH`: 70,000 pictures of clothes, 28x28 grey pixels.

(Xiao, Rasul and Vollgraf 2017.) The published files are in the format idx: a magic number with the
type of the numbers and how many dimensions there are, the dimensions, and the numbers. PATH has the
four files, packed with gzip or not, or it is the folder that was given to torchvision. Without
PATH, they are those of Debian's package `dataset-fashion-mnist`.
"""

import gzip
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from nasdsl.errors import CellError, cell_error
from nasdsl.train.data.look import Look
from nasdsl.train.data.source import ImageSet

if TYPE_CHECKING:
    from torch import Tensor

    from nasdsl.train.data.splits import Stacked

#: Mean and deviation of the 60,000 training images; empty space is black.
LOOK = Look((0.2860,), (0.3530,), background=True)
SIZE, CLASSES = 28, 10
NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_DEBIAN = "/usr/share/datasets/fashion-mnist"
#: Where torchvision has the files in the folder that it is given.
_TORCHVISION = "FashionMNIST/raw"
_PARTS = {"train": "train", "test": "t10k"}
#: Files have 60,000 images; a header that says much more is damaged.
_MOST = 1_000_000
_BYTES = 8  # idx's number for unsigned bytes


def fashion_mnist(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `fashion-mnist`.

    Raises:
        CellError: NAS823, files are missing; NAS824, a file is damaged.
    """
    root = Path(where or _DEBIAN)
    if download and not _has_files(root):
        _download(root)
    train, test = (_part(root, name) for name in _PARTS.values())
    return ImageSet(train, test, train.labels, CLASSES, LOOK, SIZE, NAMES, str(root))


def read_idx(path: Path, dimensions: int) -> "Tensor":
    """The bytes in an idx file, which may be packed, in the shape that its header says.

    Raises:
        CellError: NAS824.
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            header = file.read(4 * (1 + dimensions))
            words = [int.from_bytes(header[at : at + 4]) for at in range(0, len(header), 4)]
            if len(header) < 4 * (1 + dimensions) or words[0] != (_BYTES << 8) + dimensions:
                raise ValueError(f"it does not begin as a file of {dimensions} dimensions")
            shape = words[1:]
            if not 0 < shape[0] <= _MOST or shape[1:] not in ([], [SIZE, SIZE]):
                raise ValueError(f"its shape is {shape}")
            content = file.read(prod(shape) + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _damaged_error(path, str(error)) from error
    if len(content) != prod(shape):
        raise _damaged_error(
            path, f"it does not have the {prod(shape):,} bytes that its header says"
        )
    import torch

    return torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(shape)


def _part(root: Path, name: str) -> "Stacked":
    """Training or test images, (N, 1, 28, 28), with their classes."""
    images = _file(root, f"{name}-images-idx3-ubyte")
    labels = _file(root, f"{name}-labels-idx1-ubyte")
    # Imported here because missing files should not wait for PyTorch.
    from nasdsl.train.data.splits import Stacked

    pixels, classes = read_idx(images, 3), read_idx(labels, 1)
    if len(pixels) != len(classes):
        raise _damaged_error(labels, f"it has {len(classes)} classes for {len(pixels)} images")
    if int(classes.max()) >= CLASSES:
        raise _damaged_error(labels, f"it has the class {int(classes.max())}")
    return Stacked(pixels[:, None], classes.long())


def _has_files(root: Path) -> bool:
    try:
        _file(root, f"{_PARTS['test']}-labels-idx1-ubyte")
    except CellError:
        return False
    return True


def _file(root: Path, name: str) -> Path:
    """A published file, packed or not, in the folder or where torchvision has it.

    Raises:
        CellError: NAS823.
    """
    places = _places(root, name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise cell_error(
            "NAS823",
            f"no Fashion-MNIST images: expected {name!r} or {name + '.gz'!r} in {str(root)!r}",
            "`apt install dataset-fashion-mnist` brings them, to be used as `fashion-mnist`",
            "or name the folder that they are to be in, and add `--download`",
        )
    return found


def _places(root: Path, name: str) -> Sequence[Path]:
    folders = (root, root / _TORCHVISION)
    return [folder / f"{name}{suffix}" for folder in folders for suffix in ("", ".gz")]


def _download(root: Path) -> None:
    from torchvision import datasets

    try:
        datasets.FashionMNIST(str(root), download=True)
    except (OSError, RuntimeError) as error:
        raise cell_error(
            "NAS823",
            f"the data set cannot be downloaded to {str(root)!r}: {str(error)[:100]}",
            "`apt install dataset-fashion-mnist` brings it on Debian",
        ) from error


def _damaged_error(path: Path, why: str) -> CellError:
    return cell_error(
        "NAS824",
        f"{str(path)!r} is not a file of Fashion-MNIST: {why or 'it ends early'}",
        "download it again; an interrupted download leaves a file like this",
    )
