"""Folders in COCO's format: images, and a JSON file for each part that says what is on them.

Purpose: `coco_folder`, which reads both parts, and says once and for all what is wrong with them.
Non-goals: what a file says (`nasdsl.detection.annotations`); images, which are read when they are
needed.

Two arrangements are known: COCO's own, `annotations/instances_train2017.json` beside the folder
`train2017`, and that of exports for it, `train/_annotations.coco.json` beside the images. The parts
are called `train` and `val`; `valid` and `test` stand in for `val`.

Numbers of categories have gaps (COCO's 80 lie between 1 and 90); they become labels from 1 in the
order of the numbers.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasdsl.detection.annotations import (
    AnnotatedImages,
    annotated_images,
    document_of,
    unlike,
)
from nasdsl.errors import cell_error, listed
from nasdsl.values import typed

#: Names of the second part, the first that is there.
_SECOND = ("val", "valid", "test")
#: Categories that a finding names.
_EXAMPLES = 3


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


@typed
def coco_folder(text: str) -> CocoFolder:
    """The data of `coco:DIR`.

    Raises:
        CellError: NAS825, it is not of that form; NAS823, a folder or a file is missing; NAS953, a
            file is not what COCO's are; NAS954, a box does not fit its image or its categories;
            NAS955, the parts do not belong together; NAS826, there is nothing to learn from.
    """
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
    read = {part: document_of(place[0]) for part, place in places.items() if place}
    categories = _categories({part: places[part] for part in read}, read)  # type: ignore[misc]
    labels = {number: label for label, number in enumerate(categories, 1)}
    made = {}
    for part, document in read.items():
        place = places[part]
        assert place is not None
        made[part] = annotated_images(document, *place, labels)
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
                raise unlike(places[part][0], f"a category has the id {number!r:.40}")
            names[number] = name
        found[part] = dict(sorted(names.items()))
    first = next(iter(found.values()))
    for part, names in found.items():
        if names != first:
            other = next(iter(found))
            raise cell_error(
                "NAS955",
                f"the categories of {str(places[part][0])!r} are not those of its part `{other}`",
                differing_categories(names, f"`{part}`", first, f"`{other}`"),
                "take both files from one data set",
            )
    if not first:
        raise cell_error("NAS826", f"{str(next(iter(places.values()))[0])!r} has no categories")
    return first


def differing_categories(
    first: Mapping[int, str], where: str, second: Mapping[int, str], elsewhere: str
) -> str:
    """Which categories only one of two sets has, in words.

    Args:
        first: names by number.
        where: what has these.
        second: others.
        elsewhere: what has those.
    """
    parts = []
    for name, mine, theirs in ((where, first, second), (elsewhere, second, first)):
        own = [f"{word} ({number})"[:40] for number, word in mine.items() - theirs.items()]
        if own:
            more = f" and {len(own) - _EXAMPLES} more" if len(own) > _EXAMPLES else ""
            parts.append(f"only {name} has {', '.join(sorted(own)[:_EXAMPLES])}{more}")
    return "; ".join(parts)
