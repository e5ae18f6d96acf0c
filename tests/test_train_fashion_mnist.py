"""Fashion-MNIST: small files in the published format, damaged ones, and the real ones if here."""

import gzip
import struct
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from nasdsl.errors import CellError
from nasdsl.train import datasets, recipe

PLAIN = recipe("search", augmentation="none", held_out=0.5)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def idx(values: bytes, *shape: int) -> bytes:
    """A file as http://yann.lecun.com/exdb/mnist describes it."""
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values


def write(folder: Path, packed: bool) -> None:
    """Thirty images for training and ten for testing; image k has pixels k and class k % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", 30), ("t10k", 10)):
        pixels = b"".join(bytes([k]) * 784 for k in range(count))
        for name, content in (
            ("images-idx3", idx(pixels, count, 28, 28)),
            ("labels-idx1", idx(bytes(k % 10 for k in range(count)), count)),
        ):
            path = folder / f"{part}-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inside", ["", "FashionMNIST/raw"])
def test_files(tmp_path: Path, inside: str, packed: bool) -> None:
    """The folder of the files, or the one given to torchvision; packed or not."""
    write(tmp_path / inside, packed)
    splits = datasets(f"fashion-mnist:{tmp_path}", PLAIN)
    assert splits.held_out is not None
    assert splits.test is not None
    sizes = (len(splits.train) + len(splits.held_out), len(splits.test))
    assert sizes == (30, 10)
    assert (splits.classes, splits.channels, splits.image_size) == (10, 1, 28)
    assert (splits.names[9], splits.name) == ("Ankle boot", f"fashion-mnist:{tmp_path}")
    image, label = splits.test[3]
    assert label == 3
    assert image.shape == (1, 28, 28)
    assert torch.allclose(image, torch.full((1, 28, 28), (3 / 255 - 0.2860) / 0.3530))


DAMAGE = {
    "cut": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "another shape": lambda content: idx(content[16:], 30 * 784, 1, 1),
    "no idx": lambda content: b"hello" * 1000,
    "empty": lambda content: b"",
    "huge": lambda content: idx(b"", 2**32 - 1, 28, 28),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    """NAS824 with the path; a packed file that is cut too, and classes that are none."""
    write(tmp_path, packed=False)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert refused(tmp_path) == ("NAS824", True)


def test_other_damage(tmp_path: Path) -> None:
    """A packed file that is cut, classes that are none, other numbers of both, nothing at all."""
    write(tmp_path, packed=True)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    sound = images.read_bytes()
    images.write_bytes(sound[:-20])
    assert refused(tmp_path)[0] == "NAS824"
    images.write_bytes(sound)
    labels = tmp_path / "t10k-labels-idx1-ubyte.gz"
    for wrong in (idx(bytes([10] * 10), 10), idx(bytes(9), 9)):
        labels.write_bytes(gzip.compress(wrong))
        assert refused(tmp_path)[0] == "NAS824"
    labels.unlink()
    assert refused(tmp_path)[0] == "NAS823"


def refused(folder: Path) -> tuple[str, bool]:
    """The code, and whether the message has the path."""
    with pytest.raises(CellError) as caught:
        datasets(f"fashion-mnist:{folder}", PLAIN)
    (finding,) = caught.value.diagnostics
    return finding.code, str(folder) in finding.message


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_published_files() -> None:
    """60,000 and 10,000 images, as many of each class, with the stated mean and deviation."""
    from nasdsl.train.data.fashion_mnist import LOOK, fashion_mnist

    found = fashion_mnist("", image_size=0, download=False)
    assert [len(found.train), len(found.test)] == [60_000, 10_000]
    assert torch.bincount(torch.as_tensor(found.labels)).tolist() == [6000] * 10
    pixels = torch.stack([found.train[at][0] for at in range(0, 60_000, 20)]).float() / 255
    assert float(pixels.mean()) == pytest.approx(LOOK.mean[0], abs=0.01)
    assert float(pixels.std()) == pytest.approx(LOOK.deviation[0], abs=0.01)
