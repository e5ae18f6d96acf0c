"""Bytes to text, with limits: files, standard input, and the text that a model file carries.

Purpose: whatever a file contains, a `Source` or a finding comes out, in bounded memory.

`.safetensors` files written by nasdsl have the text of their network in their metadata; it is
read from the header alone, without PyTorch. The format: eight bytes, the length of the header
in little-endian order; the header, a JSON object whose member `__metadata__` maps strings to
strings; then the tensors.
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO

from nasdsl.documents import json_value
from nasdsl.errors import CellError, Diagnostic, Source, Span, cell_error

#: The largest file that is read, in bytes. A hand-written cell has about a thousand.
MAX_BYTES = 4 * 1024 * 1024


def read_file(path: str | os.PathLike[str]) -> Source:
    """The text of the file at `path`.

    Raises:
        CellError: the file cannot be read, is too large, or is not UTF-8.
    """
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as stream:
            return read_stream(stream, name)
    except (OSError, ValueError) as error:
        if isinstance(error, CellError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise cell_error("NAS001", f"cannot read {name!r}: {reason}") from None


def read_stdin() -> Source:
    """The text of standard input, named `<stdin>`."""
    return read_stream(sys.stdin.buffer, "<stdin>")


def read_stream(stream: BinaryIO, name: str) -> Source:
    """The text of a binary stream. At most `MAX_BYTES` are taken from it."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise cell_error(
            "NAS004",
            f"{name!r} is larger than {MAX_BYTES // 2**20} MiB",
            "is this a `.cell` file? A hand-written one has a few kilobytes",
        )
    return source_from_bytes(data, name)


def source_from_bytes(data: bytes, name: str) -> Source:
    """The text of UTF-8 bytes; a byte order mark at the start is dropped.

    Raises:
        CellError: the bytes are not UTF-8; the finding points at the first bad one.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise cell_error("NAS002", f"{name!r} is UTF-16, not UTF-8", "save it as UTF-8")
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8-sig", errors="replace"))
        at = len(error.object[: error.start].decode("utf-8", errors="replace"))
        span = Span(at, min(at + 1, len(source.text)))
        finding = Diagnostic(
            "NAS002",
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            source,
            span,
            label="cannot be read as text",
            hints=("save the file as UTF-8",),
        )
        raise CellError((finding,)) from None


SUFFIX = ".safetensors"
#: The metadata's member that holds the text, its network settings included.
MEMBER = "nasdsl.cell"
#: The member that says how paths are dropped in training, where it is not as scheduled.
DROP_PATH_MEMBER = "nasdsl.drop_path_mode"
#: The member that names the passes for inference that the network has gone through.
PASSES_MEMBER = "nasdsl.passes"
#: The member with what a detector is built from beside its network.
DETECTOR_MEMBER = "nasdsl.detector"
#: The member that says what images the network was trained for, in JSON.
IMAGES_MEMBER = "nasdsl.images"
#: The longest header, in bytes: enough for the text and for 100,000 tensors. A reader takes up to
#: 25 times as much memory.
MAX_HEADER = 16 * 1024 * 1024


def is_model(name: str | os.PathLike[str]) -> bool:
    """Whether a path says that it is a model file."""
    return os.fspath(name).lower().endswith(SUFFIX)


def read_model(path: str | os.PathLike[str]) -> Source:
    """The text that a model file carries.

    The source is named in angle brackets: names in it mean the library's, whatever lies
    beside the file.

    Raises:
        CellError: NAS001 (the file cannot be read), NAS004 (the text is too large), NAS802
            (damaged, or without a text).
    """
    name = os.fspath(path)
    text = model_metadata(path).get(MEMBER)
    if text is None:
        raise cell_error(
            "NAS802",
            f"{name!r} does not say which network its weights belong to",
            "files written by `nasdsl compile ... -o model.safetensors` do",
            f"for others: `nasdsl compile FILE.cell --weights {name}`",
        )
    if len(text) > MAX_BYTES:
        raise cell_error("NAS004", f"the text in {name!r} is larger than {MAX_BYTES // 2**20} MiB")
    return Source(f"<{name}>", text)


def image_metadata(path: str | os.PathLike[str]) -> str | None:
    """What a model file says about the images it was trained for, where it does: JSON.

    Raises:
        CellError: as `read_model` does.
    """
    return model_metadata(path).get(IMAGES_MEMBER)


def model_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of a model file, by the names of their members.

    Raises:
        CellError: NAS001 (the file cannot be read), NAS802 (it is damaged).
    """
    name = os.fspath(path)
    try:
        metadata = _header(Path(path), name).get("__metadata__")
    except OSError as error:
        raise cell_error("NAS001", f"cannot read {name!r}: {error.strerror or error}") from None
    members = metadata.items() if isinstance(metadata, dict) else ()
    return {member: said for member, said in members if isinstance(said, str)}


def _header(path: Path, name: str) -> dict[str, object]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        raw = stream.read(length) if 2 <= length <= MAX_HEADER else b""
    if not raw or len(raw) != length:
        raise _encoding_error(name)
    try:
        header = json_value(raw)
    except ValueError:
        raise _encoding_error(name) from None
    if not isinstance(header, dict):
        raise _encoding_error(name)
    return header


def _encoding_error(name: str) -> CellError:
    return cell_error("NAS802", f"{name!r} is not a .safetensors file, or is damaged or truncated")
