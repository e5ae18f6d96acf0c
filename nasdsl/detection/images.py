"""Images with their boxes as a detector is trained on them, and how one is read.

Purpose: a data set whose items depend on the seed of the run and their place alone.
Non-goals: which images there are (`nasdsl.detection.coco`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from nasdsl.detection.annotations import AnnotatedImage
from nasdsl.errors import CellError, cell_error
from nasdsl.train.batches import SeededIndex
from nasdsl.train.data.image_files import read_image


class SeededDetections(Dataset[Any]):
    """Images and their targets.

    Args:
        images: what there is.
        flip: whether every other image is mirrored.
    """

    def __init__(self, images: Sequence[AnnotatedImage], flip: bool) -> None:
        self.images, self.flip = images, flip

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, item: SeededIndex) -> Any:
        """The image (3, H, W) and its target; an error where it cannot be read."""
        seed, index = item
        image = self.images[index]
        try:
            pixels = pixels_of(image)
        except CellError as error:
            # As a value: an exception of another process would arrive as a traceback's text.
            return error
        boxes = torch.tensor([box[1:] for box in image.boxes]).reshape(-1, 4)
        if self.flip and seed % 2:
            pixels = pixels.flip(-1)
            boxes[:, [0, 2]] = image.width - boxes[:, [2, 0]]
        labels = torch.tensor([box.label for box in image.boxes], dtype=torch.int64)
        return pixels, {"boxes": boxes, "labels": labels}


def pixels_of(image: AnnotatedImage) -> Tensor:
    """(3, H, W), from 0 to 1.

    Raises:
        CellError: NAS824, the file is damaged; NAS955, it has another size than is said of it.
    """
    pixels = file_pixels(image.path)
    size = (pixels.shape[2], pixels.shape[1])
    if size != (image.width, image.height):
        raise cell_error(
            "NAS955",
            f"{image.path!r} has {size[0]} x {size[1]} pixels, and its annotations are for "
            f"{image.width} x {image.height}",
            "take images and annotations from one data set",
        )
    return pixels


def file_pixels(path: str) -> Tensor:
    """(3, H, W), from 0 to 1, as the file stores it: boxes count from its corner.

    Raises:
        CellError: NAS824.
    """
    array = np.array(read_image(path, upright=False))
    return torch.from_numpy(array).permute(2, 0, 1).float() / 255


def collated_detections(items: Sequence[Any]) -> Any:
    """Lists of images and of targets, or the error of the first image that has one."""
    error = next((item for item in items if isinstance(item, CellError)), None)
    return [list(each) for each in zip(*items, strict=True)] if error is None else error
