"""`datasets`: the images a short text names, in their parts, as a recipe wants to see them.

Purpose: read the text and put source, parts and views together.
Non-goals: reading images (one file a source); batches and their order (`nasdsl.train.batches`).
"""

from nasdsl.errors import cell_error
from nasdsl.train.data.source import DATA_SETS, ImageSet
from nasdsl.train.data.splits import Splits, Viewed, parted
from nasdsl.train.data.views import evaluation_view, training_view
from nasdsl.train.recipe import Recipe

#: Where neither the recipe nor the images have a size.
_PHOTO_SIZE = 224


def datasets(spec: str, recipe: Recipe, *, download: bool = False) -> Splits:
    """The images a text names.

    Args:
        spec: `digits`, `cifar10:PATH`, `cifar100:PATH`, `imagefolder:PATH`, `imagenet:PATH`,
            `fake`, `fake:CLASSES`, or another that is installed.
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


def _found(spec: str, recipe: Recipe, download: bool) -> ImageSet:
    name, _, where = spec.partition(":")
    return DATA_SETS.find(name)(where, image_size=recipe.image_size, download=download)
