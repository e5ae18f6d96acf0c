"""A file in COCO's format: images, and the objects on them.

Purpose: what one file says, and all that is wrong with it at once.
Non-goals: which files there are (`nasdsl.detection.coco`), segmentations and key points.

What real files have: groups of objects (`iscrowd`, whose segmentation is a run-length code), which
are not trained on and count as COCO counts them; images without objects; boxes that leave the image
by a fraction of a pixel, which are cut; boxes without an area, which are left out.
"""

import math
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nasdsl.documents import json_value
from nasdsl.errors import CellError, Diagnostic, cell_error, plural

#: By how many pixels a box may leave its image: what rounding does.
_SLACK = 2.0
#: Findings of one kind are told once, with this many examples.
_EXAMPLES = 3


class LabelledBox(NamedTuple):
    """An object: its label from 1, and its place in pixels of the image."""

    label: int
    x1: float
    y1: float
    x2: float
    y2: float


class AnnotatedImage(NamedTuple):
    """An image and the objects on it that a detector is trained to find.

    Attributes:
        number: its `id`.
        path: its file.
        width: in pixels.
        height: in pixels.
        boxes: without groups.
    """

    number: int
    path: str
    width: int
    height: int
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True, slots=True)
class AnnotatedImages:
    """A part of the data.

    Attributes:
        images: in the order of the file.
        document: what the file says, for COCO's own evaluation.
        left_out: boxes without an area.
    """

    images: tuple[AnnotatedImage, ...]
    document: Mapping[str, Any]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.images)


def document_of(path: Path) -> dict[str, Any]:
    """What a file in COCO's format says.

    Raises:
        CellError: NAS953, it cannot be read, or is in no such format.
    """
    try:
        document = json_value(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise cell_error("NAS953", f"{str(path)!r} cannot be read: {reason}") from None
    if not isinstance(document, dict):
        raise unlike(path, "it is no object")
    for name in ("images", "annotations", "categories"):
        entries = document.get(name)
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise unlike(path, f"`{name}` is no list of objects")
    return document


def unlike(path: Path, what: str) -> CellError:
    """A file is not in COCO's format."""
    hint = "COCO's files have `images`, `annotations` and `categories`"
    return cell_error("NAS953", f"{str(path)!r} is not in COCO's format: {what}", hint)


def annotated_images(
    document: dict[str, Any], path: Path, folder: Path, labels: Mapping[int, int]
) -> AnnotatedImages:
    """The images of a file and what is on them.

    Args:
        document: what the file says.
        path: of the file.
        folder: of its images.
        labels: by the numbers of the categories.

    Raises:
        CellError: NAS953, an image or an annotation is not in the format; all at once, NAS955 for
            annotations of other images, NAS954 for unknown categories and boxes outside their
            images, NAS823 for images that are missing.
    """
    images = _images(document, path)
    boxes: dict[int, list[LabelledBox]] = {number: [] for number in images}
    outside, unknown, lost, left_out = [], [], [], 0
    for each in document["annotations"]:
        number: object = each.get("id")
        owner, label = _number(each.get("image_id")), _number(each.get("category_id"))
        if owner not in images:
            lost.append(f"{number!r:.20} is of image {owner!r:.20}")
            continue
        if label not in labels:
            unknown.append(f"{number!r:.20} is of category {label!r:.20}")
            continue
        box = each.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
            raise unlike(path, f"annotation {number!r:.20} has the bbox {box!r:.60}")
        if each.get("iscrowd"):
            continue
        width, height = images[owner]["width"], images[owner]["height"]
        x1, y1, x2, y2 = box[0], box[1], box[0] + box[2], box[1] + box[3]
        if min(x1, y1) < -_SLACK or x2 > width + _SLACK or y2 > height + _SLACK:
            outside.append(f"{number!r:.20} is {box} on {width} x {height} pixels")
            continue
        cut = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
        if cut[2] <= cut[0] or cut[3] <= cut[1]:
            left_out += 1
            continue
        boxes[owner].append(LabelledBox(labels[label], *cut))
    findings = [
        *_finding("NAS955", path, "belongs to no image of the file", lost),
        *_finding("NAS954", path, "has a category that the file does not list", unknown),
        *_finding("NAS954", path, "has a box outside its image", outside),
        *_finding("NAS823", path, "is missing", _missing(images, folder), "image"),
    ]
    if findings:
        raise CellError(tuple(findings))
    made = tuple(
        AnnotatedImage(
            number,
            os.fspath(folder / image["file_name"]),
            image["width"],
            image["height"],
            tuple(boxes[number]),
        )
        for number, image in images.items()
    )
    return AnnotatedImages(made, document, left_out)


def _number(value: Any) -> Any:
    """A number that may be written as 1.0; the text of what cannot be looked up, such as a list."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, Hashable) else repr(value)


def _images(document: dict[str, Any], path: Path) -> dict[Any, dict[str, Any]]:
    images: dict[Any, dict[str, Any]] = {}
    for each in document["images"]:
        number, name = each.get("id"), each.get("file_name")
        sizes = each.get("width"), each.get("height")
        if type(number) is not int or not isinstance(name, str) or number in images:
            raise unlike(path, f"an image has the id {number!r:.40} and the name {name!r:.40}")
        if not all(type(size) is int and size > 0 for size in sizes):
            raise unlike(path, f"image {number} has the size {sizes!r:.40}")
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise unlike(path, f"image {number} is {name!r:.60}, outside the folder")
        images[number] = each
    return images


def _missing(images: Mapping[Any, dict[str, Any]], folder: Path) -> list[str]:
    # One listing a folder, not a look at each of 118,000 files.
    listings: dict[Path, set[str]] = {}
    missing = []
    for image in images.values():
        path = folder / image["file_name"]
        if path.parent not in listings:
            there = path.parent.is_dir()
            listings[path.parent] = set(os.listdir(path.parent)) if there else set()
        if path.name not in listings[path.parent]:
            missing.append(repr(os.fspath(path)))
    return missing


def _finding(
    code: str, path: Path, what: str, found: Sequence[str], kind: str = "annotation"
) -> list[Diagnostic]:
    """One finding for all of a kind."""
    if not found:
        return []
    count = plural(len(found), kind)
    verb = what if len(found) == 1 else _of_several(what)
    examples = "; ".join(found[:_EXAMPLES]) + ("; ..." if len(found) > _EXAMPLES else "")
    return [Diagnostic(code, f"{count} of {str(path)!r} {verb}", hints=(examples,))]


def _of_several(what: str) -> str:
    for one, several in (("belongs", "belong"), ("has", "have"), ("is", "are")):
        if what.startswith(f"{one} "):
            return several + what.removeprefix(one)
    return what


def _is_finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]
