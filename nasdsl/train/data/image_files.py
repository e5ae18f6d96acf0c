"""Images of files: what is made of each kind, and which of them are damaged.

An image becomes 8 bits of red, green and blue, as a viewer shows it:

- 16 bits a channel are scaled to 8; values of 32 bits have no scale and are refused;
- transparent images are put on white, whether a channel or a palette says so;
- grey, palettes and CMYK are converted, without colour profiles;
- the rotation that EXIF asks for is done;
- of an animation, the first frame counts;
- more than 178,956,970 pixels, Pillow's bound, are refused, as they fill the memory.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nasdsl.errors import CellError, Diagnostic, cell_error
from nasdsl.train.data.splits import Splits, TransformedImages

#: Modes of 16 bits, in the orders of bytes that there are.
_DEEP = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
#: Formats whose mode `I` holds 16 bits; in others it holds 32.
_DEEP_FORMATS = frozenset({"PNG", "PPM"})


def read_image(path: str, upright: bool = True) -> Image.Image:
    """The image of a file, in mode RGB.

    Args:
        path: the file.
        upright: whether the rotation that EXIF asks for is done. Places on an image count from
            its corner as it is stored.

    Raises:
        CellError: NAS824, it is damaged, too large, or has values of an unknown scale.
    """
    return _with_open(path, _rgb if upright else _as_stored)


def _with_open(path: str, function: Callable[[Image.Image], Image.Image]) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # What Pillow warns about is either read or refused here.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return function(image)
    except MemoryError:
        raise
    except Exception as error:
        # Damaged bytes can raise nearly anything.
        raise cell_error("NAS824", f"{path!r} cannot be read: {_reason(error, path)}") from error


def _reason(error: Exception, path: str) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image"
    if isinstance(error, Image.DecompressionBombError):
        return "it has more pixels than fit into memory"
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    first = (words.strip().splitlines() or [type(error).__name__])[0]
    return first.replace(path, "it")[:120]


def _rgb(image: Image.Image) -> Image.Image:
    ImageOps.exif_transpose(image, in_place=True)
    return _as_stored(image)


def _as_stored(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP or (image.mode == "I" and image.format in _DEEP_FORMATS):
        # The high byte, which is what Pillow keeps of 16 bits of colour.
        high = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return Image.fromarray(high).convert("RGB")
    if image.mode in ("I", "F"):
        raise ValueError("values of 32 bits have no known scale; convert it to 8 or 16 bits")
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


# -- the scan --------------------------------------------------------------------------------


def image_files(splits: Splits) -> list[str]:
    """The files of all images, each once, in order; none where images are not in files."""
    sets = [
        part.images
        for part in (splits.train, splits.held_out, splits.test)
        if isinstance(part, TransformedImages)
    ]
    samples = [sample for images in sets for sample in getattr(images, "samples", ())]
    return list(dict.fromkeys(path for path, _ in samples))


def require_readable(
    files: Sequence[str], on_file: Callable[[int], None] = lambda number: None
) -> None:
    """Read every file once.

    Args:
        files: the paths of images.
        on_file: called with the number of files that have been read.

    Raises:
        CellError: NAS824 for each file that is damaged, in order.
    """
    findings: list[Diagnostic] = []
    # Pillow releases the interpreter while it decodes.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, found in enumerate(pool.map(_findings, files), 1):
            findings += found
            on_file(number)
    if findings:
        raise CellError(tuple(findings))


def _findings(path: str) -> Iterable[Diagnostic]:
    try:
        _with_open(path, _decoded)
    except CellError as error:
        return error.diagnostics
    return ()


def _decoded(image: Image.Image) -> Image.Image:
    # A JPEG is decoded at an eighth of its size: all bytes are read, at a third of the time.
    image.draft("RGB", (1, 1))
    return _rgb(image)
