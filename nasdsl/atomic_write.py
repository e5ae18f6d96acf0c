"""Files that are written whole or not at all, whatever a crash, a full disk or a kill does.

There is no lock: of two writers the last one wins.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from nasdsl.errors import CellError, cell_error

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NEW_FILE_MODE = 0o666


def replace_text(path: str | os.PathLike[str], text: str) -> None:
    """Put `text`, in UTF-8, where `path` is. Raises as `atomic_write` does."""
    replace_bytes(path, text.encode("utf-8", "surrogatepass"))


def replace_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` where `path` is. Raises as `atomic_write` does."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; at the end of the block that file replaces `path`.

    Both are in one folder and have the same suffix. If the block raises, `path` is as it was
    and nothing else is left behind. A link is followed; an existing file's mode and owner are
    kept.

    Raises:
        CellError: it cannot be written (NAS006).
    """
    try:
        target, old = _target(path)
        temporary = _temporary_file(target)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with write_errors(path):
            yield temporary
            _keep_mode(temporary, old)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, target)
            _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def forgiving_stream(path: Path) -> Iterator[IO[bytes]]:
    """A new file to give to a library that does not survive an error of the disk.

    PyTorch finishes its archives in a destructor, and a write that fails there ends the process.
    So writes to this stream never fail: after the first error the rest is dropped, and the
    error is raised at the end of the block, in place of whatever the library made of it.

    Raises:
        OSError: the file could not be written.
    """
    with path.open("wb") as file:
        stream = _Forgiving(file)
        try:
            yield cast("IO[bytes]", stream)
        finally:
            if stream.error is not None:
                raise stream.error


class _Forgiving(io.RawIOBase):
    """Passes on what is written until that fails, then nothing."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self.file = file
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        size = memoryview(data).nbytes
        if self.error is None:
            try:
                self.file.write(data)
            except OSError as error:
                self.error = error
        return size


@contextmanager
def write_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the system's errors into NAS006, which names the path."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def require_writable(path: str | os.PathLike[str]) -> None:
    """Check that `path` can be written now, not after minutes of work.

    Raises:
        CellError: NAS006.
    """
    with write_errors(path):
        target, _ = _target(path)
        _temporary_file(target).unlink()


def _target(path: str | os.PathLike[str]) -> tuple[Path, os.stat_result | None]:
    """What is written to, and what is known of it if it is there."""
    target = Path(os.path.realpath(path))
    try:
        # Since Python 3.14, `exists` hides that a name is too long.
        old = target.stat()
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(old.st_mode):
        raise cell_error("NAS006", f"cannot write {os.fspath(path)!r}: it is not a regular file")
    return target, old


def _keep_mode(path: Path, old: os.stat_result | None) -> None:
    if old is None:
        umask = os.umask(0)
        os.umask(umask)
        mode = _NEW_FILE_MODE & ~umask
    else:
        mode = stat.S_IMODE(old.st_mode)
    if old is not None and hasattr(os, "chown"):
        # Only a privileged user may give files away, and only then does it matter.
        with suppress(OSError):
            os.chown(path, old.st_uid, old.st_gid)
    # Some file systems keep no modes and refuse to set one, such as the drives of Windows in WSL.
    with suppress(PermissionError):
        os.chmod(path, mode)


def _temporary_file(target: Path) -> Path:
    # Imported here because most commands write no file.
    import tempfile

    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:40]}.", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    return Path(name)


def _unwritable(path: str | os.PathLike[str], error: OSError) -> CellError:
    reason, folder = error.strerror or str(error), Path(path).parent
    if isinstance(error, FileNotFoundError) and not folder.exists():
        reason = f"there is no folder {str(folder)!r}"
    return cell_error("NAS006", f"cannot write {os.fspath(path)!r}: {reason}")


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a crash, where the file system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
