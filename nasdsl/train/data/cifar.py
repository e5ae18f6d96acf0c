"""`cifar10:PATH` and `cifar100:PATH`: 60,000 photos of 32x32 pixels (Krizhevsky 2009).

The published Python files are pickles. They are read without running what they name: as
dictionaries of arrays and lists, and nothing else a pickle can hold.
"""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.errors import CellError, cell_error
from nasdsl.train.data.look import Look
from nasdsl.train.data.source import ImageSet, folder

if TYPE_CHECKING:
    from torch import Tensor

    from nasdsl.train.data.splits import Stacked

#: Mean and deviation of the 50,000 training images.
LOOKS = {
    10: Look((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    100: Look((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
SIZE, CHANNELS = 32, 3
#: The folder that the published archive of each has, and the archive.
_FOLDERS = {10: "cifar-10-batches-py", 100: "cifar-100-python"}
_ARCHIVES = {10: "cifar-10-python.tar.gz", 100: "cifar-100-python.tar.gz"}


def cifar10(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `cifar10`. Raises as `images` does, and NAS825 without a path."""
    return _image_set(folder("cifar10", where), 10, download)


def cifar100(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `cifar100`. Raises as `images` does, and NAS825 without a path."""
    return _image_set(folder("cifar100", where), 100, download)


def _image_set(path: str, classes: int, download: bool) -> ImageSet:
    train, test = images(path, classes, download=download)
    names = _class_names(path, classes)
    return ImageSet(train, test, train.labels, classes, LOOKS[classes], SIZE, names, path)


def _class_names(path: str, classes: int) -> tuple[str, ...]:
    """The names of the classes, which the published files have; none where they are not there."""
    source, base = _torchvision_class(classes), _base(path, classes)
    try:
        names = read_pickle(base / source.meta["filename"])[source.meta["key"]]
    except Exception:
        # Unpickling damaged bytes can raise nearly anything, and names are not needed.
        return ()
    sound = isinstance(names, list) and len(names) == classes
    return tuple(map(str, names)) if sound else ()


def _torchvision_class(classes: int) -> Any:
    """What torchvision knows of the published files."""
    from torchvision import datasets

    return datasets.CIFAR10 if classes == 10 else datasets.CIFAR100


def _base(path: str, classes: int) -> Path:
    """The folder of the files, which a path names or has in it."""
    root = Path(path)
    return root if root.name == _FOLDERS[classes] else root / _FOLDERS[classes]


def images(path: str, classes: int, *, download: bool = False) -> "tuple[Stacked, Stacked]":
    """Training and test images of a folder.

    Args:
        path: the folder that holds `cifar-10-batches-py` or `cifar-100-python`, or is that.
        classes: 10 or 100.
        download: download what is missing, 170 MB.

    Raises:
        CellError: NAS823, files are missing; NAS824, a file is damaged.
    """
    base = _base(path, classes)
    if not (download or base.is_dir()):
        # Before torchvision is imported, which takes seconds.
        raise _missing(base, classes, f"expected the folder {base.name!r} in {str(base.parent)!r}")
    source = _torchvision_class(classes)
    if download:
        _download(source, base.parent)
    names = [name for name, _ in (*source.train_list, *source.test_list)]
    missing = [name for name in names if not (base / name).is_file()]
    if missing:
        what = f"{len(missing)} of its {len(names)} files are missing, {missing[0]!r} first"
        raise _missing(base, classes, what)
    return (
        _images_of(base, source.train_list, classes),
        _images_of(base, source.test_list, classes),
    )


def _images_of(base: Path, files: Any, count: int) -> "Stacked":
    """The images of some of the files, which are of `count` classes."""
    import torch

    from nasdsl.train.data.splits import Stacked

    pixels, labels = [], []
    for name, _ in files:
        found, classes = read_batch(base / name)
        if not bool(((classes >= 0) & (classes < count)).all()):
            raise cell_error(
                "NAS824",
                f"{str(base / name)!r} has classes beyond the {count} of CIFAR{count}",
                "it is of another data set, or damaged; extract the archive again",
            )
        pixels.append(found)
        labels.append(classes)
    return Stacked(torch.cat(pixels), torch.cat(labels))


def read_batch(path: Path) -> "tuple[Tensor, Tensor]":
    """The images (N, 3, 32, 32), bytes, and classes (N,) of one published file.

    Raises:
        CellError: NAS824.
    """
    import torch

    try:
        found = read_pickle(path)
        rows = found["data"]
        classes = found["labels"] if "labels" in found else found["fine_labels"]
        pixels = torch.tensor(rows, dtype=torch.uint8).reshape(-1, CHANNELS, SIZE, SIZE)
        labels = torch.tensor(classes, dtype=torch.int64)
        if len(pixels) != len(labels):
            raise ValueError(f"{len(pixels)} images and {len(labels)} classes")
    except Exception as error:
        # Unpickling damaged bytes can raise nearly anything.
        raise cell_error(
            "NAS824",
            f"{str(path)!r} is not a file of CIFAR images: {str(error)[:100] or 'it ends early'}",
            "extract the archive again; an interrupted download leaves a file like this",
        ) from error
    return pixels, labels


def _download(source: Any, root: Path) -> None:
    try:
        source(str(root), download=True)
    except (OSError, RuntimeError) as error:
        raise cell_error(
            "NAS823",
            f"the data set cannot be downloaded to {str(root)!r}: {str(error)[:100]}",
            f"download {source.url} by other means and extract it there",
        ) from error


def _missing(base: Path, classes: int, what: str) -> CellError:
    root, archive = base.parent, _ARCHIVES[classes]
    if (root / archive).is_file():
        hint = f"extract it: tar -xzf {root / archive} -C {root}"
    else:
        hint = f"`--download` downloads it; or extract {archive} in {str(root)!r}"
    if base.is_dir():
        return cell_error("NAS823", f"{str(base)!r} is incomplete: {what}", hint)
    return cell_error("NAS823", f"no CIFAR{classes} images: {what}", hint)


#: What numpy's arrays are made of, under the names of its first and second version.
_ALLOWED = {
    (f"numpy.{core}.{module}", name)
    for core in ("core", "_core")
    for module, name in (("multiarray", "_reconstruct"), ("numeric", "_frombuffer"))
} | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}


class _SafeUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is not data")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a file.

    Raises:
        pickle.UnpicklingError: it holds anything but plain values and arrays.
        Exception: of nearly any kind, for damaged bytes.
    """
    with path.open("rb") as file:
        found = _SafeUnpickler(file, encoding="latin1").load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("it is not a dictionary")
    return found
