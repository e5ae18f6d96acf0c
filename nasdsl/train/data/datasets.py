"""`datasets`: the images that a short text names, split and transformed as a recipe says."""

import os
from typing import TYPE_CHECKING

from nasdsl.errors import cell_error, plural
from nasdsl.report.visible import encodable
from nasdsl.train.data_sets import DATA_SETS
from nasdsl.train.recipe import Recipe
from nasdsl.values import typed

if TYPE_CHECKING:
    from nasdsl.train.data.splits import Splits

#: Where neither the recipe nor the images have a size.
_PHOTO_SIZE = 224


@typed
def datasets(spec: str, recipe: Recipe, *, download: bool = False) -> "Splits":
    """The images that a text names.

    Args:
        spec: `digits`, `cifar10:PATH`, `cifar100:PATH`, `fashion-mnist`, `fashion-mnist:PATH`,
            `imagefolder:PATH`, `imagenet:PATH`, `fake`, `fake:CLASSES`, or another that
            is installed.
        recipe: how images are augmented, normalised, resized and held out.
        download: download CIFAR or Fashion-MNIST if it is missing.

    Raises:
        CellError: NAS825 for a text that names no source; NAS823 and NAS824 where files are
            missing or damaged; NAS826 where no images would be left to train on.
    """
    name, _, where = spec.partition(":")
    images = DATA_SETS.find(name)(where, image_size=recipe.image_size, download=download)
    # Imported here because it brings PyTorch, and a wrong text should not wait for that.
    from nasdsl.train.data.preparation import preparation_of
    from nasdsl.train.data.splits import Splits, TransformedImages, split_by_class
    from nasdsl.train.data.transforms import evaluation_transform, training_transform

    size = recipe.image_size or images.native or _PHOTO_SIZE
    train, held_out = split_by_class(images.labels, recipe.held_out)
    if not train or (recipe.held_out and not held_out):
        raise cell_error(
            "NAS826",
            f"{plural(len(images.labels), 'image')} of {plural(images.classes, 'class')} are too "
            f"few to hold out a share of {recipe.held_out:g}",
            "set another share with `--set held_out=...`; 0 holds none out",
        )
    # Files will hold them, and the name of a folder may be no Unicode.
    names = tuple(map(encodable, images.names))
    transform = evaluation_transform(recipe, images.look, size, images.native)
    return Splits(
        f"{name}:{os.path.abspath(images.folder)}" if images.folder else spec,
        TransformedImages(
            images.train,
            training_transform(recipe, images.look, size, images.native),
            train,
            is_random=recipe.augmentation != "none" or recipe.cutout > 0,
        ),
        TransformedImages(images.train, transform, held_out) if held_out else None,
        TransformedImages(images.test, transform) if images.test is not None else None,
        images.classes,
        len(images.look.mean),
        size,
        names,
        preparation_of(recipe, images.look, size, images.native, names),
    )
