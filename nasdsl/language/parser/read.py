"""Bytes to text, with limits.

Purpose: whatever lies in a file, a `Source` or a finding comes out, in bounded memory.
Non-goals: names of the library (`nasdsl.loading`).
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO

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
    return decoded(data, name)


def decoded(data: bytes, name: str) -> Source:
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
