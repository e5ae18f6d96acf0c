"""What a detector finds on an image file, and the image with it drawn.

Purpose: boxes as the paper's figures 10 and 11 have them: a frame, and above it the name and the
score.
"""

import os
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import ImageDraw, ImageFont

from nasdsl.atomic_write import atomic_write, write_errors
from nasdsl.detection.images import file_pixels
from nasdsl.detection.model_file import TrainedDetector
from nasdsl.train.data.image_files import read_image

#: Frames by label, over and over; each can be told from the others and from most photographs.
_COLOURS = (
    *("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080"),
    *("#f032e6", "#9a6324", "#808000", "#000075"),
)


class FoundObject(NamedTuple):
    """An object on an image.

    Attributes:
        label: what it is called.
        number: of the label, from 1.
        score: from 0 to 1.
        box: x1, y1, x2, y2 in pixels.
    """

    label: str
    number: int
    score: float
    box: tuple[float, float, float, float]


def found_objects(
    trained: TrainedDetector, path: str | os.PathLike[str], device: torch.device, threshold: float
) -> list[FoundObject]:
    """What a detector finds on an image, the likeliest first.

    Raises:
        CellError: NAS824, the image cannot be read.
    """
    pixels = file_pixels(os.fspath(path)).to(device)
    with torch.inference_mode():
        (found,) = trained.detector([pixels])
    return [
        FoundObject(trained.names[label - 1], label, score, (x1, y1, x2, y2))
        for (x1, y1, x2, y2), label, score in zip(
            found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist(), strict=True
        )
        if score >= threshold
    ]


def write_drawing(image: str | os.PathLike[str], found: list[FoundObject], path: Path) -> None:
    """Write the image with its boxes as PNG.

    Raises:
        CellError: NAS006, it cannot be written; NAS824, the image cannot be read.
    """
    picture = read_image(os.fspath(image), upright=False)
    pen = ImageDraw.Draw(picture)
    # About a line of text in twenty, on images of any size.
    height = max(min(picture.size) // 20, 10)
    font, width = ImageFont.load_default(height), max(height // 7, 1)
    # The likeliest last, so that it lies above the others.
    for each in reversed(found):
        colour = _COLOURS[(each.number - 1) % len(_COLOURS)]
        x1, y1, x2, y2 = each.box
        pen.rectangle((x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)), outline=colour, width=width)
        text = f"{each.label} {each.score:.0%}"
        _, _, across, down = pen.textbbox((0, 0), text, font=font)
        left = min(max(x1, 0), max(picture.width - across - 4, 0))
        upper = y1 - down - 4 if y1 >= down + 4 else y1
        pen.rectangle((left, upper, left + across + 4, upper + down + 4), fill=colour)
        pen.text((left + 2, upper + 1), text, fill="white", font=font)
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        picture.save(temporary, "PNG")
