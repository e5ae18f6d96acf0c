"""Data: every source in its real format, parts, views, and what is refused."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from nasdsl.errors import CellError
from nasdsl.train.data import Splits, datasets
from nasdsl.train.data.digits import LOOK
from nasdsl.train.data.splits import split_by_class
from nasdsl.train.data.transforms import Cutout
from nasdsl.train.recipe import Recipe, recipe

PLAIN = recipe("cifar", augmentation="none", held_out=0.2)
CIFAR = {10: "cifar-10-batches-py", 100: "cifar-100-python"}


def refused(spec: str, made: Recipe = PLAIN, **options: Any) -> Any:
    with pytest.raises(CellError) as caught:
        datasets(spec, made, **options)
    (found,) = caught.value.diagnostics
    return found


def shares(splits: Splits) -> tuple[int, int, int]:
    return tuple(0 if part is None else len(part) for part in _parts(splits))


def _parts(splits: Splits) -> tuple[Any, Any, Any]:
    return splits.train, splits.held_out, splits.test


# -- parts ----------------------------------------------------------------------------------


def test_parts_share_no_image_and_keep_the_classes_balanced() -> None:
    """A share of each class, and the same images whenever asked."""
    labels = [index % 10 for index in range(1000)]
    first, second = split_by_class(labels, 0.1)
    assert sorted(first + second) == list(range(1000))
    assert [sum(labels[i] == c for i in second) for c in range(10)] == [10] * 10
    assert (first, second) == split_by_class(labels, 0.1)
    assert split_by_class(labels, 0) == (list(range(1000)), [])


def test_the_same_images_are_held_out_as_ever() -> None:
    """Accuracies of other runs and of earlier versions are of these images, whatever the seed."""
    for seed in (0, 1):
        torch.manual_seed(seed)
        _, second = split_by_class([0, 1] * 10, 0.3)
        assert second == [4, 5, 6, 13, 14, 19]


# -- digits ---------------------------------------------------------------------------------


def test_digits() -> None:
    """1,797 images in three parts, whitened, of all ten classes."""
    splits = datasets("digits", recipe("quick"))
    assert sum(shares(splits)) == 1797
    assert (splits.classes, splits.channels, splits.image_size) == (10, 1, 8)
    for part in _parts(splits):
        image, _ = part[0]
        assert (image.shape, image.dtype) == ((1, 8, 8), torch.float32)
        assert {part[index][1] for index in range(len(part))} == set(range(10))
    pixels = torch.stack([splits.test[index][0] for index in range(len(splits.test))])
    assert abs(pixels.mean().item()) < 0.05
    assert abs(pixels.std().item() - 1) < 0.05


def test_digits_are_enlarged_where_the_recipe_says_so() -> None:
    """To any size, in every part."""
    splits = datasets("digits", recipe("quick", image_size=12))
    assert splits.image_size == 12
    assert {part[3][0].shape for part in _parts(splits)} == {(1, 12, 12)}


def test_training_images_vary_with_the_seed_alone() -> None:
    """PyTorch's generator decides the view; evaluation draws nothing."""
    splits = datasets("digits", recipe("quick"))
    views = []
    for seed in (1, 2, 3, 4, 1):
        torch.manual_seed(seed)
        views.append(splits.train[5][0])
    assert torch.equal(views[0], views[4])
    assert not all(torch.equal(views[0], view) for view in views[1:4])
    before = torch.get_rng_state()
    assert torch.equal(splits.test[5][0], splits.test[5][0])
    assert torch.equal(before, torch.get_rng_state())


def test_digits_are_moved_and_never_mirrored() -> None:
    """Each view is the image, shifted by at most a pixel over black."""
    still = datasets("digits", recipe("quick", augmentation="none", cutout=0))
    moved = datasets("digits", recipe("quick", cutout=0))
    black = still.train[0][0].min()
    image = still.train[5][0]
    wide = torch.full((1, 10, 10), black.item())
    wide[:, 1:9, 1:9] = image
    shifts = [wide[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)]
    for _ in range(50):
        view = moved.train[5][0]
        assert any(torch.allclose(view, shift) for shift in shifts)


def test_crops_of_upsampled_images() -> None:
    """Each view is a window of the image at 10x10; the paper has 32x32 of 40x40."""
    image = datasets("digits", recipe("cifar", image_size=0, augmentation="none")).train[5][0]
    large = F.interpolate(image[None], (10, 10), mode="bilinear", antialias=True)[0]
    windows = [large[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)]
    made = recipe("cifar", image_size=0)
    assert made.crop == "upsampled"
    cropped = datasets("digits", made)
    step = 1 / 255 / LOOK.deviation[0]  # of the bytes that the larger image is rounded to
    seen = set()
    for _ in range(50):
        view = cropped.train[5][0]
        errors = [float((view - window).abs().max()) for window in windows]
        assert min(errors) <= step
        seen.add(errors.index(min(errors)))
    assert len(seen) > 5
    tested, native = cropped.test, datasets("digits", recipe("quick")).test
    assert tested is not None
    assert native is not None
    assert torch.equal(tested[5][0], native[5][0])


def test_cutout_blanks_a_square_that_may_stick_out() -> None:
    """At least a quarter and at most all of the square is inside; the input stays."""
    image = torch.ones(3, 32, 32)
    blanked = []
    for seed in range(60):
        torch.manual_seed(seed)
        blanked.append(int((Cutout(16)(image)[0] == 0).sum()))
    assert image.min() == 1
    assert 64 <= min(blanked) < 200
    assert max(blanked) == 256


# -- CIFAR ----------------------------------------------------------------------------------


def write_cifar(root: Path, classes: int) -> Path:
    """Tiny files in the published format: rows of 3,072 bytes, red first, and classes."""
    folder = root / CIFAR[classes]
    folder.mkdir(parents=True)
    generator = numpy.random.default_rng(0)
    key = "labels" if classes == 10 else "fine_labels"
    train = [f"data_batch_{k}" for k in range(1, 6)] if classes == 10 else ["train"]
    for name in (*train, "test_batch" if classes == 10 else "test"):
        count = 20 if classes == 10 else 200
        rows = generator.integers(0, 256, (count, 3072), dtype=numpy.uint8)
        rows[:, 0] = 255
        labels = [k % classes for k in range(count)]
        (folder / name).write_bytes(pickle.dumps({"data": rows, key: labels}, protocol=2))
    return folder


def test_cifar_with_classes_of_another(tmp_path: Path) -> None:
    """Files of CIFAR-100 under the names of CIFAR-10; the first loss was a traceback."""
    folder = write_cifar(tmp_path, 10)
    rows = numpy.zeros((2, 3072), dtype=numpy.uint8)
    (folder / "test_batch").write_bytes(pickle.dumps({"data": rows, "labels": [3, 57]}))
    assert refused(f"cifar10:{tmp_path}").code == "NAS824"


@pytest.mark.parametrize("classes", [10, 100])
def test_cifar(classes: int, tmp_path: Path) -> None:
    """Both sets, from the folder that holds the archive's folder or from that itself."""
    folder = write_cifar(tmp_path, classes)
    made = recipe("cifar", augmentation="none", held_out=0.5)
    splits = datasets(f"cifar{classes}:{tmp_path}", made)
    assert (splits.classes, splits.channels, splits.image_size) == (classes, 3, 32)
    assert shares(splits) == ((50, 50, 20) if classes == 10 else (100, 100, 200))
    image, label = splits.test[0]
    assert (image.shape, label) == ((3, 32, 32), 0)
    red = (1 - (0.4914 if classes == 10 else 0.5071)) / (0.2470 if classes == 10 else 0.2673)
    assert image[0, 0, 0].item() == pytest.approx(red, rel=1e-5)
    again = datasets(f"cifar{classes}:{folder}", made)
    assert torch.equal(again.test[0][0], image)


def test_cifar_is_augmented(tmp_path: Path) -> None:
    """Crops, mirror images and cutout keep the shape."""
    write_cifar(tmp_path, 10)
    splits = datasets(f"cifar10:{tmp_path}", recipe("cifar", cutout=16, held_out=0))
    assert splits.held_out is None
    views = [splits.train[0][0] for _ in range(8)]
    assert {view.shape for view in views} == {(3, 32, 32)}
    assert len({view.sum().item() for view in views}) > 4
    assert all((view == 0).sum() >= 3 * 64 for view in views)


def test_cifar_that_is_not_there(tmp_path: Path) -> None:
    """What was expected, and how to get it."""
    found = refused(f"cifar10:{tmp_path}")
    assert found.code == "NAS823"
    assert "cifar-10-batches-py" in found.message
    assert "--download" in found.hints[0]
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"")
    assert "tar -xzf" in refused(f"cifar10:{tmp_path}").hints[0]


def test_cifar_that_is_half_extracted(tmp_path: Path) -> None:
    """Counts what is missing and names the first."""
    folder = write_cifar(tmp_path, 10)
    (folder / "data_batch_3").unlink()
    (folder / "test_batch").unlink()
    found = refused(f"cifar10:{tmp_path}")
    assert found.code == "NAS823"
    assert "2 of its 6 files are missing, 'data_batch_3' first" in found.message


class _Runs:
    def __reduce__(self) -> Any:
        return os.mkdir, ("was_run",)


@pytest.mark.parametrize("kind", ["empty", "cut", "text", "list", "odd", "code"])
def test_cifar_that_is_damaged(kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Any bytes are refused, and those that name code never run it."""
    monkeypatch.chdir(tmp_path)
    path = write_cifar(tmp_path, 10) / "data_batch_2"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[: len(whole) // 2],
            "text": b"<html>not found</html>",
            "list": pickle.dumps([1, 2]),
            "odd": pickle.dumps({"data": numpy.zeros((2, 3072), "uint8"), "labels": [1]}),
            "code": pickle.dumps({"data": _Runs(), "labels": [1]}),
        }[kind]
    )
    found = refused(f"cifar10:{tmp_path}")
    assert found.code == "NAS824"
    assert "data_batch_2" in found.message
    assert not Path("was_run").exists()


# -- folders --------------------------------------------------------------------------------


def write_folders(root: Path, parts: dict[str, list[str]], count: int = 5) -> None:
    for part, classes in parts.items():
        for number, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for k in range(count):
                colour = (40 * number, 10 * k, 200)
                Image.new("RGB", (30 + k, 24), colour).save(folder / f"{k}.png")


@pytest.mark.parametrize("augmentation", ["none", "crop", "crop_flip", "inception"])
def test_image_folder(augmentation: str, tmp_path: Path) -> None:
    """Images of several sizes come to one, in each way of augmenting."""
    write_folders(tmp_path, {"train": ["cat", "dog"], "val": ["cat", "dog"]})
    made = recipe("imagenet", augmentation=augmentation, image_size=16, held_out=0.2)
    splits = datasets(f"imagefolder:{tmp_path}", made)
    assert (splits.classes, splits.channels, splits.image_size) == (2, 3, 16)
    assert shares(splits) == (8, 2, 10)
    for part in _parts(splits):
        assert {part[index][0].shape for index in range(len(part))} == {(3, 16, 16)}
    blue = splits.test[0][0][2]
    assert torch.allclose(blue, torch.full((16, 16), 2 * 200 / 255 - 1), atol=1e-5)


def test_image_folder_without_parts(tmp_path: Path) -> None:
    """Folders of classes alone: no test images."""
    write_folders(tmp_path, {".": ["cat", "dog", "eel"]})
    splits = datasets(f"imagefolder:{tmp_path}", PLAIN)
    assert (splits.classes, splits.test, shares(splits)) == (3, None, (12, 3, 0))


def test_folders_that_are_missing(tmp_path: Path) -> None:
    """Nothing there, one part there, a class without images, an archive left closed."""
    assert refused("imagefolder:nowhere").message == "the folder 'nowhere' does not exist"
    empty = refused(f"imagefolder:{tmp_path}")
    assert empty.code == "NAS823"
    write_folders(tmp_path, {"val": ["cat"]})
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(b"")
    found = refused(f"imagenet:{tmp_path}")
    assert (found.code, found.hints[1]) == (
        "NAS823",
        "ILSVRC2012_img_train.tar is not extracted",
    )
    (tmp_path / "train" / "cat").mkdir(parents=True)
    found = refused(f"imagefolder:{tmp_path}")
    assert (found.code, "cat" in found.message) == ("NAS823", True)


def test_imagenet_has_a_thousand_classes(tmp_path: Path) -> None:
    """A part of it is refused; the same folders are fine as a folder of images."""
    write_folders(tmp_path, {"train": ["n01", "n02"], "val": ["n01", "n02"]})
    found = refused(f"imagenet:{tmp_path}")
    assert (found.code, "has 2 of the 1,000 classes" in found.message) == ("NAS823", True)
    assert datasets(f"imagefolder:{tmp_path}", PLAIN).classes == 2


def test_parts_with_different_classes(tmp_path: Path) -> None:
    """The first class that is only in one of them is named."""
    write_folders(tmp_path, {"train": ["cat", "dog"], "val": ["cat", "dgo"]})
    found = refused(f"imagefolder:{tmp_path}")
    assert (found.code, "'dgo'" in found.message) == ("NAS824", True)


# -- the text that names data ---------------------------------------------------------------


def test_fake() -> None:
    """Noise, the same at every call, of any size and number of classes."""
    made = recipe("cifar", image_size=24)
    splits = datasets("fake:7", made)
    assert (splits.classes, splits.image_size) == (7, 24)
    assert torch.equal(splits.test[3][0], datasets("fake:7", made).test[3][0])


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("digit", "did you mean `digits`?"),
        ("some/folder", "did you mean `imagefolder`?"),
        ("photos", "there are `digits`"),
        ("", "there are"),
        ("cifar10", "write `cifar10:PATH`"),
        ("imagenet:", "write `imagenet:PATH`"),
        ("fake:many", "write `fake:1000`"),
        ("fake:0", "write `fake:1000`"),
    ],
)
def test_text_that_names_no_data(spec: str, hint: str) -> None:
    """A code and the way to write it."""
    found = refused(spec)
    assert found.code == "NAS825"
    assert found.hints[0].startswith(hint)


def test_too_few_to_part(tmp_path: Path) -> None:
    """No part may be empty."""
    write_folders(tmp_path, {".": ["cat", "dog"]}, count=2)
    assert refused(f"imagefolder:{tmp_path}").code == "NAS826"
    assert datasets(f"imagefolder:{tmp_path}", recipe("cifar", held_out=0)).held_out is None


def test_only_cifar_is_downloaded(tmp_path: Path) -> None:
    """The others say why not."""
    for source in ("imagenet", "imagefolder"):
        assert refused(f"{source}:{tmp_path}", download=True).code == "NAS823"


def test_a_download_that_fails(tmp_path: Path, monkeypatch: Any) -> None:
    """What went wrong and where the archive is, without a traceback."""
    from torchvision.datasets import CIFAR10

    def fails(self: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(CIFAR10, "download", fails)
    found = refused(f"cifar10:{tmp_path}", download=True)
    assert (found.code, "no route to host" in found.message) == ("NAS823", True)
    assert "cifar-10-python.tar.gz" in found.hints[0]


def test_a_folder_of_deep_images(tmp_path: Path) -> None:
    """16 bits a channel come to the network at their scale."""
    for name, value in (("dark", 64 * 257), ("light", 192 * 257)):
        (tmp_path / name).mkdir()
        for k in range(5):
            Image.new("I;16", (20, 20), value).save(tmp_path / name / f"{k}.png")
    made = recipe("imagenet", augmentation="none", image_size=16, held_out=0.2)
    splits = datasets(f"imagefolder:{tmp_path}", made)
    for image, label in (splits.train[0], splits.train[7]):
        expected = 2 * (64, 192)[label] / 255 - 1
        assert torch.allclose(image, torch.full((3, 16, 16), expected), atol=1e-5)
