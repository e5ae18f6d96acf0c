"""Folders in COCO's format: images, and a JSON file for each part that says what is on them.

Purpose: `coco_folder`, which reads both parts, and says once and for all what is wrong with them.
Non-goals: images (they are read when they are needed), segmentations and key points.

Two arrangements are known: COCO's own, `annotations/instances_train2017.json` beside the folder
`train2017`, and that of exports for it, `train/_annotations.coco.json` beside the images. The parts
are called `train` and `val`; `valid` and `test` stand in for `val`.

What real files have: numbers of categories with gaps (COCO's 80 lie between 1 and 90), which become
labels from 1 in the order of the numbers; groups of objects (`iscrowd`, whose segmentation is a
run-length code), which are not trained on and count as COCO counts them; images without objects;
boxes that leave the image by a fraction of a pixel, which are cut; boxes without an area, which are
left out.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nasdsl.documents import json_value
from nasdsl.errors import CellError, Diagnostic, cell_error, listed, plural
from nasdsl.values import require_types

#: By how many pixels a box may leave its image: what rounding does.
_SLACK = 2.0
#: Names of the second part, the first that is there.
_SECOND = ("val", "valid", "test")
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


@dataclass(frozen=True, slots=True)
class CocoFolder:
    """Images to train on and to evaluate, and what their objects are called.

    Attributes:
        name: what it was asked for by, with the folder's absolute path.
        train: None where there is none.
        val: None where there is none.
        names: of the categories, by label from 1.
        numbers: their `id`s, in the same order.
    """

    name: str
    train: AnnotatedImages | None
    val: AnnotatedImages | None
    names: tuple[str, ...]
    numbers: tuple[int, ...]

    @property
    def classes(self) -> int:
        """With the background, which is class 0."""
        return len(self.names) + 1


def coco_folder(text: str) -> CocoFolder:
    """The data of `coco:DIR`.

    Raises:
        CellError: NAS825, it is not of that form; NAS823, a folder or a file is missing; NAS953, a
            file is not what COCO's are; NAS954, a box does not fit its image or its categories;
            NAS955, the parts do not belong together; NAS826, there is nothing to learn from.
    """
    require_types(text=(text, str))
    name, _, where = text.partition(":")
    if name != "coco" or not where:
        raise cell_error(
            "NAS825",
            f"{text!r:.60} names no data for detection",
            "`coco:DIR` is a folder in COCO's format",
        )
    root = Path(where)
    if not root.is_dir():
        raise cell_error("NAS823", f"there is no folder {where!r}")
    places = {"train": _place(root, ("train",)), "val": _place(root, _SECOND)}
    if not any(places.values()):
        raise cell_error(
            "NAS823",
            f"{where!r} has no annotations",
            "COCO's own are in annotations/instances_train*.json and instances_val*.json",
            "exports have train/_annotations.coco.json and valid/_annotations.coco.json",
        )
    read = {part: _document(place[0]) for part, place in places.items() if place}
    categories = _categories({part: places[part] for part in read}, read)  # type: ignore[misc]
    labels = {number: label for label, number in enumerate(categories, 1)}
    made = {}
    for part, document in read.items():
        place = places[part]
        assert place is not None
        made[part] = _part(document, *place, labels)
    if "train" in made and not any(image.boxes for image in made["train"].images):
        path = places["train"][0] if places["train"] else root
        raise cell_error("NAS826", f"{str(path)!r} has no boxes to learn from")
    return CocoFolder(
        f"coco:{os.path.abspath(where)}",
        made.get("train"),
        made.get("val"),
        tuple(categories.values()),
        tuple(categories),
    )


def _place(root: Path, names: Sequence[str]) -> tuple[Path, Path] | None:
    """The JSON file of a part and the folder of its images."""
    for name in names:
        export = root / name / "_annotations.coco.json"
        if export.is_file():
            return export, export.parent
        found = sorted((root / "annotations").glob(f"instances_{name}*.json"))
        if len(found) > 1:
            several = listed([path.name for path in found])
            text = f"{str(root)!r} has {several}, and it is not said which is meant"
            raise cell_error("NAS823", text, "leave one of them in the folder")
        if found:
            suffix = found[0].stem.removeprefix("instances_")
            folders = [root / suffix, root / "images" / suffix, root / "images"]
            images = next((folder for folder in folders if folder.is_dir()), folders[0])
            return found[0], images
    return None


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json_value(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise cell_error("NAS953", f"{str(path)!r} cannot be read: {reason}") from None
    if not isinstance(document, dict):
        raise _unlike(path, "it is no object")
    for name in ("images", "annotations", "categories"):
        entries = document.get(name)
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise _unlike(path, f"`{name}` is no list of objects")
    return document


def _unlike(path: Path, what: str) -> CellError:
    hint = "COCO's files have `images`, `annotations` and `categories`"
    return cell_error("NAS953", f"{str(path)!r} is not in COCO's format: {what}", hint)


def _categories(
    places: Mapping[str, tuple[Path, Path]], read: Mapping[str, dict[str, Any]]
) -> dict[int, str]:
    """Names by number, rising; all parts have the same."""
    found: dict[str, dict[int, str]] = {}
    for part, document in read.items():
        names: dict[int, str] = {}
        for each in document["categories"]:
            number, name = each.get("id"), each.get("name")
            if type(number) is not int or not isinstance(name, str) or number in names:
                raise _unlike(places[part][0], f"a category has the id {number!r:.40}")
            names[number] = name
        found[part] = dict(sorted(names.items()))
    first = next(iter(found.values()))
    for part, names in found.items():
        if names != first:
            other = next(iter(found))
            raise cell_error(
                "NAS955",
                f"the categories of {str(places[part][0])!r} are not those of its part `{other}`",
                f"they are {_some(names)} there, and {_some(first)} here",
                "take both files from one data set",
            )
    if not first:
        raise cell_error("NAS826", f"{str(next(iter(places.values()))[0])!r} has no categories")
    return first


def _some(names: Mapping[int, str]) -> str:
    said = [repr(name)[:40] for name in [*names.values()][:_EXAMPLES]]
    return f"{listed(said)}, {len(names)} in all" if said else "none"


def _part(
    document: dict[str, Any], path: Path, folder: Path, labels: Mapping[int, int]
) -> AnnotatedImages:
    images = _images(document, path)
    boxes: dict[int, list[LabelledBox]] = {number: [] for number in images}
    outside, unknown, lost, left_out = [], [], [], 0
    for each in document["annotations"]:
        number, owner, label = each.get("id"), each.get("image_id"), each.get("category_id")
        if owner not in images:
            lost.append(f"{number!r:.20} is of image {owner!r:.20}")
            continue
        if label not in labels:
            unknown.append(f"{number!r:.20} is of category {label!r:.20}")
            continue
        box = each.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
            raise _unlike(path, f"annotation {number!r:.20} has the bbox {box!r:.60}")
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


def _images(document: dict[str, Any], path: Path) -> dict[Any, dict[str, Any]]:
    images: dict[Any, dict[str, Any]] = {}
    for each in document["images"]:
        number, name = each.get("id"), each.get("file_name")
        sizes = each.get("width"), each.get("height")
        if type(number) is not int or not isinstance(name, str) or number in images:
            raise _unlike(path, f"an image has the id {number!r:.40} and the name {name!r:.40}")
        if not all(type(size) is int and size > 0 for size in sizes):
            raise _unlike(path, f"image {number} has the size {sizes!r:.40}")
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise _unlike(path, f"image {number} is {name!r:.60}, outside the folder")
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
