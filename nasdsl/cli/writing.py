"""Files written whole or not at all.

Purpose: `replace_text` and `replace_bytes`, which a crash, a full disk or a kill cannot leave
half done.
Non-goals: locks; the last of two writers wins.
"""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from nasdsl.errors import cell_error

_NEW_FILE_MODE = 0o666


def replace_text(path: str | os.PathLike[str], text: str) -> None:
    """Put `text`, in UTF-8, where `path` is; see `replace_bytes`."""
    replace_bytes(path, text.encode("utf-8", "surrogatepass"))


def replace_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` where `path` is; a link is followed, a mode and owner are kept.

    Raises:
        CellError: it cannot be written (NAS006); whatever was there is still there.
    """
    target = Path(os.path.realpath(path))
    try:
        old = target.stat() if target.exists() else None
        if old is not None and not stat.S_ISREG(old.st_mode):
            raise cell_error(
                "NAS006", f"cannot write {os.fspath(path)!r}: it is not a regular file"
            )
        _replace(target, content, old)
    except OSError as error:
        reason = error.strerror or str(error)
        raise cell_error("NAS006", f"cannot write {os.fspath(path)!r}: {reason}") from None


def _replace(target: Path, content: bytes, old: os.stat_result | None) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _keep_mode(name, old)
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(target.parent)


def _keep_mode(name: str, old: os.stat_result | None) -> None:
    if old is None:
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, _NEW_FILE_MODE & ~umask)
        return
    if hasattr(os, "chown"):
        # Only a privileged user may give files away, and only then does it matter.
        with suppress(OSError):
            os.chown(name, old.st_uid, old.st_gid)
    os.chmod(name, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    """Make the new name last; file systems that cannot are as safe as they get."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
