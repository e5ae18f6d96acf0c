"""Files that appear under their name only once they are whole.

Purpose: `placed`, for writers that need a path of their own.
Non-goals: locks; the last of two writers wins.
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
def placed(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; what is there at the end takes the place of `path`.

    Both have the same suffix. Where anything is raised, `path` is as before and nothing else
    is left. A link is followed; the mode of a file that was there is kept.

    Raises:
        CellError: it cannot be written (NAS006).
    """
    try:
        target, mode = _target(path)
        beside = _beside(target)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with refused_by_name(path):
            yield beside
            os.chmod(beside, mode)
            with beside.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(beside, target)
            _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def refused_by_name(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the system's refusals into NAS006."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def writable(path: str | os.PathLike[str]) -> None:
    """Say now, not after minutes of work, that `path` cannot be written.

    Raises:
        CellError: NAS006.
    """
    with refused_by_name(path):
        target, _ = _target(path)
        _beside(target).unlink()


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


def _beside(target: Path) -> Path:
    handle, name = tempfile.mkstemp(
        prefix=f".{target.name[:40]}.", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    return Path(name)


def _unwritable(path: str | os.PathLike[str], error: OSError) -> CellError:
    return cell_error("NAS006", f"cannot write {os.fspath(path)!r}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Make the new name last; file systems that cannot are as safe as they get."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
