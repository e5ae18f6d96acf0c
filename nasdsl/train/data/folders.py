"""`imagefolder:PATH` and `imagenet:PATH`: a folder of images for each class.

ImageNet cannot be downloaded without an account, and its archives have to be extracted before.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.errors import CellError, cell_error
from nasdsl.train.data.look import PHOTOS
from nasdsl.train.data.source import ImageSet, folder

if TYPE_CHECKING:
    from torchvision.datasets import ImageFolder

_TRAIN = ("train",)
_TEST = ("val", "test", "validation")
_IMAGENET_CLASSES = 1000


def imagefolder(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `imagefolder`. Raises as `images` does, and NAS825 without a path."""
    path = folder("imagefolder", where)
    if download:
        raise cell_error(
            "NAS823", "only CIFAR can be downloaded", "a folder is on the disk already"
        )
    return _image_set(path, *images(path))


def imagenet(where: str, *, image_size: int, download: bool) -> ImageSet:
    """The data set `imagenet`. Raises as `images` does, and NAS825 without a path."""
    path = folder("imagenet", where)
    if download:
        why = "ImageNet needs an account at image-net.org"
        raise cell_error("NAS823", "only CIFAR can be downloaded", why)
    return _image_set(path, *images(path, imagenet=True))


def _image_set(path: str, train: "ImageFolder", test: "ImageFolder | None") -> ImageSet:
    names = tuple(train.classes)
    return ImageSet(train, test, labels(train), len(names), PHOTOS, 0, names, path)


def images(path: str, *, imagenet: bool = False) -> "tuple[ImageFolder, ImageFolder | None]":
    """Training images, and test images where there are any.

    Args:
        path: holds `train` with a folder for each class, and `val` or `test` with the same;
            or, without `train`, the folders of the classes.
        imagenet: require both parts and the 1,000 classes of ILSVRC 2012.

    Raises:
        CellError: NAS823, folders are missing or empty; NAS824, the two parts differ.
    """
    root = Path(path)
    if not root.is_dir():
        raise cell_error(
            "NAS823", f"the folder {path!r} does not exist", _expected_folders(imagenet)
        )
    train = _first(root, _TRAIN)
    if train is None and (imagenet or _first(root, _TEST)):
        raise _missing_folder(root, "train", imagenet)
    test = _first(root, _TEST) if train else None
    if test is None and imagenet:
        raise _missing_folder(root, "val", imagenet)
    trained = _folder(train or root, imagenet)
    tested = _folder(test, imagenet) if test else None
    if tested is not None and tested.classes != trained.classes:
        odd = sorted(set(trained.classes) ^ set(tested.classes))
        raise cell_error(
            "NAS824",
            f"{str(train)!r} and {str(test)!r} have different classes, {odd[0]!r} among them",
            "both need a folder for each class, with the same name",
        )
    return trained, tested


def _first(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _folder(path: Path, imagenet: bool) -> "ImageFolder":
    # Imported here because a path that is not there should not wait for PyTorch.
    from torchvision.datasets import ImageFolder

    from nasdsl.train.data.image_files import read_image

    try:
        found = ImageFolder(str(path), loader=read_image)
    except FileNotFoundError as error:
        # torchvision lists all classes in one line; the first line is enough.
        reason = str(error).splitlines()[0][:160].rstrip(". ")
        raise cell_error("NAS823", f"{str(path)!r}: {reason}", _suffix_hint()) from error
    if imagenet and len(found.classes) != _IMAGENET_CLASSES:
        raise cell_error(
            "NAS823",
            f"{str(path)!r} has {len(found.classes)} of the 1,000 classes of ImageNet",
            "extract the archives of the other classes; `imagefolder:` takes any number",
        )
    return found


def _missing_folder(root: Path, name: str, imagenet: bool) -> CellError:
    archives = sorted(root.glob("*.tar*"))
    hints = [_expected_folders(imagenet)]
    if archives:
        hints.append(f"{archives[0].name} is not extracted")
    return cell_error("NAS823", f"{str(root)!r} has no folder {name!r}", *hints)


def _expected_folders(imagenet: bool) -> str:
    if imagenet:
        return "expected: train/n01440764/... and val/n01440764/..., with 1,000 folders in each"
    return "expected: train/CLASS/IMAGE and val/CLASS/IMAGE, or CLASS/IMAGE"


def _suffix_hint() -> str:
    from torchvision.datasets.folder import IMG_EXTENSIONS

    return f"image files end in {', '.join(IMG_EXTENSIONS)}"


def labels(images: Any) -> list[int]:
    """The classes of the images in order, without opening one."""
    return list(images.targets)
