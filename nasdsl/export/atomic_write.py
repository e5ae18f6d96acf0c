"""Files that appear under their name only once they are whole.

There is no lock: of two writers the last one wins.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nasdsl.errors import CellError, cell_error

_NEW_FILE_MODE = 0o666


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; at the end of the block that file replaces `path`.

    Both are in one folder and have the same suffix. If the block raises, `path` is as it was
    and nothing else is left behind. A link is followed; an existing file's mode is kept.

    Raises:
        CellError: it cannot be written (NAS006).
    """
    try:
        target, mode = _target(path)
        temporary = _temporary_file(target)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with write_errors(path):
            yield temporary
            os.chmod(temporary, mode)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, target)
            _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def write_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the system's errors about writing `path` into NAS006."""
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


def _target(path: str | os.PathLike[str]) -> tuple[Path, int]:
    target = Path(os.path.realpath(path))
    if target.exists():
        old = target.stat().st_mode
        if not stat.S_ISREG(old):
            raise cell_error(
                "NAS006", f"cannot write {os.fspath(path)!r}: it is not a regular file"
            )
        return target, stat.S_IMODE(old)
    umask = os.umask(0)
    os.umask(umask)
    return target, _NEW_FILE_MODE & ~umask


def _temporary_file(target: Path) -> Path:
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:40]}.", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    return Path(name)


def _unwritable(path: str | os.PathLike[str], error: OSError) -> CellError:
    return cell_error("NAS006", f"cannot write {os.fspath(path)!r}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a crash, where the file system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
