"""Images of files: what becomes of every kind, and what is said of those that are damaged."""

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy", reason="images are made with it")
pytest.importorskip("torchvision", reason="training needs it")
Image = pytest.importorskip("PIL.Image", reason="images are made with it")

from nasdsl.errors import CellError  # noqa: E402 (after the packages that may be missing)
from nasdsl.train.data.image_files import read_image  # noqa: E402

#: A ramp of 16 bits, as rows and columns.
RAMP = (np.arange(64, dtype=np.uint16) * 1040).reshape(8, 8)
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def png_of_16_bits(pixels: Any) -> bytes:
    """A PNG by the letter of its specification; Pillow writes no colours of 16 bits."""
    height, width, channels = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOURS[channels], 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def pixels(path: Path) -> Any:
    image = read_image(str(path))
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("kind", ["png grey", "png colour", "tiff", "big-endian tiff", "pgm"])
def test_16_bits_are_scaled(kind: str, tmp_path: Path) -> None:
    """A ramp stays one, whatever the format; it was white from 256 on."""
    path = tmp_path / "image"
    if kind == "png grey":
        path.write_bytes(png_of_16_bits(RAMP[..., None]))
    elif kind == "png colour":
        path.write_bytes(png_of_16_bits(np.stack([RAMP] * 3, -1)))
    elif kind == "tiff":
        Image.fromarray(RAMP).save(path, "tiff")
    elif kind == "big-endian tiff":
        Image.frombytes("I;16B", (8, 8), RAMP.astype(">u2").tobytes()).save(path, "tiff")
    else:
        path.write_bytes(b"P5\n8 8\n65535\n" + RAMP.astype(">u2").tobytes())
    found = pixels(path)
    assert np.abs(found - RAMP[..., None] / 257).max() <= 1


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bits_are_refused(mode: str, tmp_path: Path) -> None:
    """Nothing says what white is."""
    path = tmp_path / "deep.tiff"
    Image.new(mode, (4, 4)).save(path)
    with pytest.raises(CellError) as refused:
        read_image(str(path))
    (finding,) = refused.value.diagnostics
    assert (finding.code, str(path) in finding.message) == ("NAS824", True)


@pytest.mark.parametrize("kind", ["palette", "palette of alphas", "grey", "colour", "16 bits"])
def test_transparency_is_on_white(kind: str, tmp_path: Path) -> None:
    """The hidden colour is black, and nobody sees it."""
    path = tmp_path / "image.png"
    if kind == "palette":
        image = Image.new("P", (4, 4), 0)
        image.putpalette([0, 0, 0, 200, 30, 60])
        image.putpixel((0, 0), 1)
        image.save(path, transparency=0)
    elif kind == "palette of alphas":
        image = Image.new("P", (4, 4), 0)
        image.putpalette([0, 0, 0, 200, 30, 60])
        image.putpixel((0, 0), 1)
        image.save(path, transparency=bytes([0, 255]))
    elif kind == "grey":
        image = Image.new("LA", (4, 4), (0, 0))
        image.putpixel((0, 0), (90, 255))
        image.save(path)
    elif kind == "colour":
        image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
        image.putpixel((0, 0), (200, 30, 60, 255))
        image.save(path)
    else:
        deep = np.zeros((4, 4, 4), np.uint16)
        deep[0, 0] = [200 * 257, 30 * 257, 60 * 257, 65535]
        path.write_bytes(png_of_16_bits(deep))
    found = pixels(path)
    assert found[0, 0].tolist() == ([90] * 3 if kind == "grey" else [200, 30, 60])
    assert (found[1:] == 255).all()


def test_cmyk(tmp_path: Path) -> None:
    """Cyan ink takes the red away."""
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(tmp_path / "ink.jpg", quality=95)
    assert np.abs(pixels(tmp_path / "ink.jpg") - [0, 255, 255]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(orientation: int, tmp_path: Path) -> None:
    """The corner that EXIF calls the first one is at the upper left."""
    image = Image.new("RGB", (32, 16), "black")
    # Where the first corner lies in the file: left or right, upper or lower.
    left, upper = orientation in (1, 4, 5, 6), orientation in (1, 2, 5, 8)
    image.paste(
        "white", (0 if left else 24, 0 if upper else 8, 8 if left else 32, 8 if upper else 16)
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "photo.png", exif=exif)
    found = pixels(tmp_path / "photo.png")
    assert found.shape == ((16, 32, 3) if orientation < 5 else (32, 16, 3))
    assert (found[:8, :8] == 255).all()
    assert found.sum() == 8 * 8 * 3 * 255


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
def test_the_first_frame_of_an_animation(suffix: str, tmp_path: Path) -> None:
    """The others are never seen."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    path = tmp_path / f"moves.{suffix}"
    more = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **more)
    assert (pixels(path) == [255, 0, 0]).all()


def test_very_large_images_are_refused(tmp_path: Path) -> None:
    """A header is enough, and nothing is decoded."""
    path = tmp_path / "large.pgm"
    path.write_bytes(b"P5\n20000 20000\n255\n")
    with pytest.raises(CellError) as refused:
        read_image(os.fspath(path))
    (finding,) = refused.value.diagnostics
    assert (finding.code, "more pixels" in finding.message) == ("NAS824", True)
