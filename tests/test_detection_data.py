"""Data for detection: COCO's format with what real files have, recipes, and COCO's figures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nasdsl.detection.annotations import LabelledBox
from nasdsl.detection.coco import CocoFolder, coco_folder
from nasdsl.detection.recipe import DETECTION_VALUES, RECIPE_NAMES, detection_recipe
from nasdsl.errors import CellError
from nasdsl.train.recipe_file import recipe_toml

Image = pytest.importorskip("PIL.Image", reason="images are read by Pillow")

#: A run-length code as COCO has it for groups.
RLE = {"counts": [0, 3, 5, 120], "size": [16, 8]}
CATEGORIES = [
    {"id": 90, "name": "toothbrush"},
    {"id": 1, "name": "person"},
    {"id": 17, "name": "cat"},
]


def annotation(number: int, image: int, category: int, box: list[float], **more: Any) -> Any:
    area = box[2] * box[3]
    whole = {"id": number, "image_id": image, "category_id": category, "bbox": box}
    return whole | {"area": area, "iscrowd": 0} | more


def document(**changed: Any) -> dict[str, Any]:
    """A file with the quirks of COCO's: gaps, a group, an empty image, corners that are rounded."""
    images = [
        {"id": 397133, "file_name": "a.png", "width": 8, "height": 16, "license": 4},
        {"id": 37777, "file_name": "b.png", "width": 8, "height": 16},
        {"id": 5, "file_name": "c.png", "width": 8, "height": 16},
    ]
    annotations = [
        annotation(1, 397133, 17, [1, 2, 3.5, 4], segmentation=[[1, 2, 4, 6, 3, 3]]),
        annotation(2, 397133, 1, [0, 0, 8, 16], iscrowd=1, segmentation=RLE),
        annotation(3, 37777, 90, [-0.3, 2, 8.6, 4]),
        annotation(4, 37777, 1, [4, 4, 2, 0]),
    ]
    return {"images": images, "annotations": annotations, "categories": CATEGORIES} | changed


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a folder in COCO's arrangement, or in that of exports."""

    def written(train: Any, val: Any = None, *, exports: bool = False, year: str = "2017") -> Path:
        for part, what in (("train", train), ("val", val)):
            if what is None:
                continue
            folder = tmp_path / (
                f"{'valid' if part == 'val' else part}" if exports else part + year
            )
            folder.mkdir()
            for name in ("a.png", "b.png", "c.png"):
                Image.new("RGB", (8, 16)).save(folder / name)
            path = folder / "_annotations.coco.json"
            if not exports:
                path = tmp_path / "annotations" / f"instances_{part}{year}.json"
                path.parent.mkdir(exist_ok=True)
            path.write_text(what if isinstance(what, str) else json.dumps(what))
        return tmp_path

    return written


def read(folder: Path) -> CocoFolder:
    return coco_folder(f"coco:{folder}")


@pytest.mark.parametrize("exports", [False, True])
def test_quirks(write: Write, exports: bool) -> None:
    """Labels in the order of numbers with gaps; no groups, no empty boxes; what is cut."""
    found = read(write(document(), document(), exports=exports))
    assert (found.numbers, found.names) == ((1, 17, 90), ("person", "cat", "toothbrush"))
    assert found.classes == 4
    assert found.train is not None
    assert found.val is not None
    first, second, third = found.train.images
    assert first.number == 397133
    assert first.boxes == (LabelledBox(2, 1, 2, 4.5, 6),)
    assert second.boxes == (LabelledBox(3, 0, 2, 8, 6),)
    assert third.boxes == ()
    assert found.train.left_out == 1
    assert Path(first.path).is_file()
    # What COCO's evaluation is given has the group.
    assert len(found.val.document["annotations"]) == 4


def test_one_part_is_enough(write: Write) -> None:
    """Whoever only trains, or only evaluates, needs one."""
    found = read(write(None, document()))
    assert found.train is None
    assert found.val is not None


def codes(folder: Path) -> list[str]:
    with pytest.raises(CellError) as raised:
        read(folder)
    return [found.code for found in raised.value.diagnostics]


def changed_annotation(**values: Any) -> dict[str, Any]:
    whole = document()
    whole["annotations"][0] |= values
    return whole


def changed_image(**values: Any) -> dict[str, Any]:
    whole = document()
    whole["images"][0] |= values
    return whole


@pytest.mark.parametrize(
    ("train", "code"),
    [
        ("{", "NAS953"),
        ("[" * 100_000, "NAS953"),
        ('{"images": [' + "9" * 500 + "]}", "NAS953"),
        ("[]", "NAS953"),
        ("{}", "NAS953"),
        (document(images=3), "NAS953"),
        (document(annotations=[1]), "NAS953"),
        (document(categories=[{"id": "a", "name": "b"}]), "NAS953"),
        (document(categories=[{"id": 1, "name": "b"}, {"id": 1, "name": "c"}]), "NAS953"),
        (document(categories=[], annotations=[]), "NAS826"),
        (document(annotations=[]), "NAS826"),
        (changed_annotation(bbox=[1, 2, 3]), "NAS953"),
        (changed_annotation(bbox=[1, 2, float("nan"), 4]), "NAS953"),
        (changed_annotation(bbox=None), "NAS953"),
        (changed_annotation(bbox=[1, 2, 300, 4]), "NAS954"),
        (changed_annotation(bbox=[-9, 2, 3, 4]), "NAS954"),
        (changed_annotation(category_id=2), "NAS954"),
        (changed_annotation(category_id=None), "NAS954"),
        (changed_annotation(image_id=7), "NAS955"),
        (changed_image(file_name="lost.png"), "NAS823"),
        (changed_image(file_name="../../etc/passwd"), "NAS953"),
        (changed_image(file_name="/etc/passwd"), "NAS953"),
        (changed_image(width=0), "NAS953"),
        (changed_image(width=True), "NAS953"),
        (changed_image(id=5), "NAS953"),
    ],
)
def test_bad_files(write: Write, train: Any, code: str) -> None:
    """One finding each, with the file that is meant."""
    folder = write(train)
    with pytest.raises(CellError) as raised:
        read(folder)
    (found,) = raised.value.diagnostics
    assert found.code == code
    assert "train" in found.message


@pytest.mark.parametrize(("name", "code"), [("image_id", "NAS955"), ("category_id", "NAS954")])
def test_numbers_that_are_none(write: Write, name: str, code: str) -> None:
    """A list cannot be looked up."""
    changed = annotation(1, 5, 17, [1, 2, 3, 4]) | {name: [1]}
    with pytest.raises(CellError) as caught:
        read(write(document(annotations=[changed])))
    assert caught.value.diagnostics[0].code == code


def test_all_that_is_wrong_is_said_at_once(write: Write) -> None:
    """A finding for each kind, with how many there are."""
    whole = document()
    whole["annotations"] = [
        each | {"id": number, "category_id": category, "image_id": image}
        for number, (each, category, image) in enumerate(
            zip(whole["annotations"] * 2, [2, 2, 1, 1, 1, 1, 1, 1], [5] * 7 + [6], strict=True)
        )
    ]
    with pytest.raises(CellError) as raised:
        read(write(whole))
    messages = [found.message for found in raised.value.diagnostics]
    assert [message.partition(" of ")[0] for message in messages] == [
        "1 annotation",
        "2 annotations",
    ]


def test_bad_folders(tmp_path: Path, write: Write) -> None:
    """No folder, none of the arrangements, several files, parts of two data sets."""
    assert codes(tmp_path / "none") == ["NAS823"]
    assert codes(tmp_path) == ["NAS823"]
    for text in ("coco", "coco:", "digits", "voc:x"):
        with pytest.raises(CellError, match="NAS825"):
            coco_folder(text)
    other = document(categories=[{"id": 1, "name": "dog"}, *CATEGORIES[::2]])
    with pytest.raises(CellError) as raised:
        coco_folder(f"coco:{write(document(), other)}")
    (found,) = raised.value.diagnostics
    assert found.code == "NAS955"
    assert found.hints[0] == "only `val` has dog (1); only `train` has person (1)"
    (tmp_path / "annotations" / "instances_train2014.json").write_text("{}")
    assert codes(tmp_path) == ["NAS823"]


# -- recipes -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_recipes(name: str, tmp_path: Path) -> None:
    """Every value is in the file with a comment; a text of one reads as the same."""
    from importlib.resources import files

    text = (files("nasdsl.detection") / "recipes" / f"{name}.toml").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line.split()[0] for line in lines] == list(DETECTION_VALUES)
    recipe = detection_recipe(name)
    path = tmp_path / "own.toml"
    path.write_text(recipe_toml(recipe))
    assert detection_recipe(str(path)) == recipe
    assert detection_recipe(str(path), ["lr=0.5", "flip=false"]).lr == 0.5


def test_released_schedule() -> None:
    """`manual_step_learning_rate` of the released configuration."""
    recipe = detection_recipe("detection")
    rates = [recipe.learning_rate(step, 1_400_000) for step in (0, 899_999, 900_000, 1_200_000)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6])


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("quick", [], "NAS820"),
        ("none.toml", [], "NAS846"),
        ("detection", ["lr"], "NAS821"),
        ("detection", ["rate=1"], "NAS821"),
        ("detection", ["batch=0"], "NAS822"),
        ("detection", ["style=retina"], "NAS822"),
    ],
)
def test_bad_recipes(name: str, changes: list[str], code: str) -> None:
    with pytest.raises(CellError) as raised:
        detection_recipe(name, changes)
    assert [found.code for found in raised.value.diagnostics] == [code]


# -- precision -----------------------------------------------------------------------------


def test_average_precision(write: Write) -> None:
    """What is found in its place counts; groups are ignored; half of the categories is half."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("faster_coco_eval", reason="COCO's evaluation")
    from nasdsl.detection.precision import average_precision

    found = read(write(None, document()))
    assert found.val is not None

    def detected(boxes: list[list[float]], labels: list[int]) -> dict[str, Any]:
        shape = torch.tensor(boxes).reshape(-1, 4)
        return {"boxes": shape, "labels": torch.tensor(labels), "scores": torch.ones(len(labels))}

    cat = {397133: detected([[1, 2, 4.5, 6]], [2])}
    both = cat | {37777: detected([[0, 2, 8, 6]], [3])}
    figures = average_precision(found.val, found.numbers, both)
    # The third category has a box without an area, which cannot be found, and a group.
    assert figures.ap50 == pytest.approx(2 / 3)
    assert figures.ap_large is None
    assert average_precision(found.val, found.numbers, cat).ap50 == pytest.approx(1 / 3)
    nothing = average_precision(found.val, found.numbers, {})
    assert nothing.ap == nothing.ar100 == 0
    # There are none to be found.
    assert nothing.ap_large is None
    wrong = {397133: detected([[1, 2, 4.5, 6]], [3])}
    assert average_precision(found.val, found.numbers, wrong).ap50 == 0
