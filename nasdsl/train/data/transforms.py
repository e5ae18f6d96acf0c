"""What is done to an image before the network sees it, in training and in evaluation.

The transforms are made of torchvision's; their random numbers are seeded in
`nasdsl.train.batches`. Small images (bytes, (C, H, W)) are padded by an eighth on each side, or
upsampled to that size, then cropped and mirrored: 32 to 40 and back. Large ones (any size, PIL)
get the crops and colours of Szegedy et al. 2015 (CVPR, section 6), with the bounds of slim's
released Inception preprocessing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from nasdsl.train.data.look import Look
from nasdsl.train.recipe import Recipe

Transform = Callable[[Any], Tensor]

#: Padding of a crop, as a share of the side: 4 of 32 pixels.
_PADDED = 1 / 8
#: slim crops at least this share of an image; evaluation takes the middle seven eighths.
_MIN_AREA, _CENTRAL = 0.05, 0.875


def training_transform(recipe: Recipe, look: Look, size: int, native: int = 0) -> Transform:
    """The transform of an image each time it is trained on; it is random.

    Args:
        recipe: how images are augmented and whitened.
        look: of the images.
        size: pixels a side of the result.
        native: the side of all images; 0 where they differ.
    """
    steps: list[nn.Module] = []
    if recipe.augmentation == "inception":
        steps += [
            v2.RandomResizedCrop(size, (_MIN_AREA, 1.0), (3 / 4, 4 / 3), antialias=True),
            # TensorFlow's brightness is added where torchvision's is a factor; same bounds.
            v2.ColorJitter(brightness=32 / 255, contrast=0.5, saturation=0.5, hue=0.2),
        ]
    elif recipe.augmentation == "none":
        steps += [*_resize(size, native), v2.CenterCrop(size)]
    else:
        padding = max(round(size * _PADDED), 1)
        fill = 0 if look.background else [round(255 * mean) for mean in look.mean]
        if recipe.crop == "upsampled":
            steps += [*_resize(size + 2 * padding, native), v2.RandomCrop(size)]
        else:
            steps += [*_resize(size, native), v2.RandomCrop(size, padding, fill=fill)]
    if recipe.augmentation in ("crop_flip", "inception") and look.mirrors:
        steps.append(v2.RandomHorizontalFlip())
    steps += normalisation(*whitening(recipe, look))
    if recipe.cutout:
        steps.append(Cutout(recipe.cutout))
    transform: Transform = v2.Compose(steps)
    return transform


def evaluation_transform(recipe: Recipe, look: Look, size: int, native: int = 0) -> Transform:
    """The transform of an image when it is evaluated; nothing in it is random.

    Args:
        recipe: how images are whitened.
        look: of the images.
        size: pixels a side of the result.
        native: the side of all images; 0 where they differ, and the middle is cropped.
    """
    side = resized_side(size, native)
    transform: Transform = v2.Compose(
        [*_resize(side, native), v2.CenterCrop(size), *normalisation(*whitening(recipe, look))]
    )
    return transform


def resized_side(size: int, native: int) -> int:
    """The shorter side to which evaluation brings an image before it crops the middle."""
    return size if native else round(size / _CENTRAL)


def normalisation(mean: Sequence[float], deviation: Sequence[float]) -> list[nn.Module]:
    """From an image of bytes to floats of that mean and deviation."""
    return [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(list(mean), list(deviation)),
        v2.ToPureTensor(),
    ]


def whitening(recipe: Recipe, look: Look) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean that a recipe subtracts from each channel, and the deviation it divides by."""
    halves = (0.5,) * len(look.mean)
    return (halves, halves) if recipe.whitening == "inception" else (look.mean, look.deviation)


class Cutout(v2.Transform):  # type: ignore[misc]  # torchvision has no types
    """A square of zeros around a random pixel, cut off at the edges (DeVries and Taylor 2017).

    torchvision's `RandomErasing` keeps the whole square inside, which blanks more.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The corner of the square; at most half of it lies outside."""
        height, width = flat_inputs[0].shape[-2:]
        top = int(torch.randint(height, ())) - self.side // 2
        left = int(torch.randint(width, ())) - self.side // 2
        return {"top": top, "left": left}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image with the square blanked, a new tensor."""
        top, left = params["top"], params["left"]
        image = inpt.clone()
        image[
            ..., max(top, 0) : max(top + self.side, 0), max(left, 0) : max(left + self.side, 0)
        ] = 0
        return image


def _resize(size: int, native: int) -> list[nn.Module]:
    """Resize the shorter side to `size`, unless it has that size already."""
    return [] if native == size else [v2.Resize(size, antialias=True)]
