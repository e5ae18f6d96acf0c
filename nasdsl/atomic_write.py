"""Files that are written whole or not at all, whatever a crash, a full disk or a kill does.

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


def replace_text(path: str | os.PathLike[str], text: str) -> None:
    """Put `text`, in UTF-8, where `path` is. Raises as `replacing` does."""
    replace_bytes(path, text.encode("utf-8", "surrogatepass"))


def replace_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` where `path` is. Raises as `replacing` does."""
    with replacing(path) as beside:
        beside.write_bytes(content)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; what is there at the end takes the place of `path`.

    Both have the same suffix. Where anything is raised, `path` is as before and nothing else
    is left. A link is followed; the mode and the owner of a file that was there are kept.

    Raises:
        CellError: it cannot be written (NAS006).
    """
    try:
        target = _target(path)
        old = target.stat() if target.exists() else None
        beside = _beside(target)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with write_errors(path):
            yield beside
            _keep_mode(beside, old)
            with beside.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(beside, target)
            _sync_folder(target.parent)
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def write_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the system's errors into NAS006, which names the path."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def ensure_writable(path: str | os.PathLike[str]) -> None:
    """Say now, not after minutes of work, that `path` cannot be written.

    Raises:
        CellError: NAS006.
    """
    with write_errors(path):
        _beside(_target(path)).unlink()


def _target(path: str | os.PathLike[str]) -> Path:
    target = Path(os.path.realpath(path))
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        raise cell_error("NAS006", f"cannot write {os.fspath(path)!r}: it is not a regular file")
    return target


def _keep_mode(path: Path, old: os.stat_result | None) -> None:
    if old is None:
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(path, _NEW_FILE_MODE & ~umask)
        return
    if hasattr(os, "chown"):
        # Only a privileged user may give files away, and only then does it matter.
        with suppress(OSError):
            os.chown(path, old.st_uid, old.st_gid)
    os.chmod(path, stat.S_IMODE(old.st_mode))


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
