"""`datasets`: the images a short text names, in their parts, as a recipe wants to see them.

Purpose: read the text and put source, parts and views together.
Non-goals: reading images (one file a source); batches and their order (`nasdsl.train.order`).
"""

from typing import Any, NamedTuple

from nasdsl.errors import CellError, cell_error, listed, nearest
from nasdsl.train.data import cifar, digits, fake, folders
from nasdsl.train.data.splits import Splits, Viewed, parted
from nasdsl.train.data.views import PHOTOS, Look, evaluation_view, training_view
from nasdsl.train.recipe import Recipe

#: The sources, and whether a path follows the name.
SOURCES = {
    "digits": False,
    "cifar10": True,
    "cifar100": True,
    "imagefolder": True,
    "imagenet": True,
    "fake": False,
}
#: Where neither the recipe nor the images have a size.
_PHOTO_SIZE = 224


class _Found(NamedTuple):
    """What a source has: images with their classes, and what they look like."""

    train: Any
    test: Any
    labels: list[int]
    classes: int
    look: Look
    native: int  # the side of all images; 0 where they differ


def datasets(spec: str, recipe: Recipe, *, download: bool = False) -> Splits:
    """The images a text names.

    Args:
        spec: `digits`, `cifar10:PATH`, `cifar100:PATH`, `imagefolder:PATH`, `imagenet:PATH`,
            `fake` or `fake:CLASSES`.
        recipe: how images are augmented, whitened, sized and held out.
        download: fetch CIFAR where it is missing.

    Raises:
        CellError: NAS825 for a text that names no source; NAS823 and NAS824 where files are
            missing or damaged; NAS826 where nothing would be left to train on.
    """
    found = _found(spec, recipe, download)
    size = recipe.image_size or found.native or _PHOTO_SIZE
    rest, held_out = parted(found.labels, recipe.held_out)
    if not rest or (recipe.held_out and not held_out):
        raise cell_error(
            "NAS826",
            f"{len(found.labels)} images in {found.classes} classes cannot be parted with a "
            f"share of {recipe.held_out:g} held out",
            "`--set held_out=...` takes another share, and 0 holds none out",
        )
    still = evaluation_view(recipe, found.look, size, found.native)
    return Splits(
        spec,
        Viewed(found.train, training_view(recipe, found.look, size, found.native), rest),
        Viewed(found.train, still, held_out) if held_out else None,
        Viewed(found.test, still) if found.test is not None else None,
        found.classes,
        len(found.look.mean),
        size,
    )


def _found(spec: str, recipe: Recipe, download: bool) -> _Found:
    name, _, rest = spec.partition(":")
    if name not in SOURCES:
        guess = nearest(name, SOURCES)
        hint = f"did you mean `{guess}`?" if guess else f"there are {listed(SOURCES)}"
        raise cell_error("NAS825", f"unknown source of data `{name[:60]}`", hint)
    if SOURCES[name] and not rest:
        raise cell_error("NAS825", f"`{name}` needs a folder", f"write `{name}:PATH`")
    if name == "digits":
        if rest:
            raise cell_error("NAS825", "`digits` comes with scikit-learn and takes no path")
        train, test = digits.images()
        return _Found(train, test, train.labels, digits.CLASSES, digits.LOOK, digits.SIZE)
    if name == "fake":
        classes, size = _fake_classes(rest), recipe.image_size or fake.SIZE
        train, test = fake.images(classes, size)
        return _Found(train, test, train.labels, classes, fake.LOOK, size)
    if name in ("cifar10", "cifar100"):
        classes = 10 if name == "cifar10" else 100
        train, test = cifar.images(rest, classes, download=download)
        return _Found(train, test, train.labels, classes, cifar.LOOKS[classes], cifar.SIZE)
    return _photos(rest, imagenet=name == "imagenet", download=download)


def _photos(path: str, *, imagenet: bool, download: bool) -> _Found:
    if download:
        raise _not_downloaded(imagenet)
    train, test = folders.images(path, imagenet=imagenet)
    return _Found(train, test, folders.labels(train), len(train.classes), PHOTOS, 0)


def _not_downloaded(imagenet: bool) -> CellError:
    why = "ImageNet needs an account at image-net.org" if imagenet else "folders are one's own"
    return cell_error("NAS823", "only CIFAR can be downloaded", why)


def _fake_classes(text: str) -> int:
    if not text:
        return fake.CLASSES
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) > 0):
        raise cell_error("NAS825", f"`{text[:40]}` is no number of classes", "write `fake:1000`")
    return int(text)
