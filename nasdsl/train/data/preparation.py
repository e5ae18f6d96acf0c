"""What a trained network expects of an image, and what its classes are called.

Purpose: the image that evaluation shows a network can be made again from its model file alone,
whose metadata have a `Preparation` as JSON.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from nasdsl.documents import json_value
from nasdsl.errors import cell_error
from nasdsl.train.data.look import Look
from nasdsl.train.data.transforms import normalisation, resized_side, whitening
from nasdsl.train.recipe import Recipe

#: More classes than any data set has, and longer names.
_MAX_CLASSES, _MAX_NAME, _MAX_SIDE = 100_000, 1000, 100_000


@dataclass(frozen=True, slots=True)
class Preparation:
    """How an image becomes what a network sees.

    Attributes:
        size: pixels a side of what the network sees.
        resized: pixels of the shorter side before the middle is cropped.
        mean: subtracted from each channel, of values from 0 to 1.
        deviation: each channel is divided by it.
        classes: the names of the classes in order; empty where they have none.
    """

    size: int
    resized: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    classes: tuple[str, ...] = ()

    def image(self, image: Image.Image) -> Tensor:
        """An image in mode RGB as the network sees it, (C, size, size)."""
        if len(self.mean) == 1:
            image = image.convert("L")
        steps = [v2.Resize(self.resized, antialias=True), v2.CenterCrop(self.size)]
        seen: Tensor = v2.Compose([*steps, *normalisation(self.mean, self.deviation)])(image)
        return seen

    def json(self) -> str:
        """For the metadata of a model file."""
        return json.dumps(asdict(self), ensure_ascii=False)


def preparation_of(
    recipe: Recipe, look: Look, size: int, native: int, classes: tuple[str, ...] = ()
) -> Preparation:
    """What evaluation does to the images of a data set.

    Args:
        recipe: how images are whitened.
        look: of the images.
        size: pixels a side of what the network sees.
        native: the side of all images; 0 where they differ.
        classes: the names of the classes.
    """
    return Preparation(size, resized_side(size, native), *whitening(recipe, look), classes)


def read_preparation(text: str, path: str) -> Preparation:
    """What the metadata of a model file say.

    Args:
        text: JSON, as `Preparation.json` writes it.
        path: the file, for the message.

    Raises:
        CellError: NAS802, they have been damaged.
    """
    try:
        found: Any = json_value(text)
        mean, deviation = (tuple(map(float, found[key])) for key in ("mean", "deviation"))
        size, resized = found["size"], found["resized"]
        names = tuple(name for name in found["classes"] if isinstance(name, str))
        sound = (
            all(isinstance(side, int) and 0 < side <= _MAX_SIDE for side in (size, resized))
            and len(mean) == len(deviation) in (1, 3)
            and all(deviation)
            and len(names) == len(found["classes"]) <= _MAX_CLASSES
            and all(len(name) <= _MAX_NAME for name in names)
        )
    except (ValueError, TypeError, KeyError):
        sound = False
    if not sound:
        raise cell_error("NAS802", f"the metadata of {path!r} about images are damaged")
    return Preparation(size, resized, mean, deviation, names)
