"""The store as a file: on a local disk, and with errors that say what to do.

Network file systems are refused, because SQLite's locks and shared memory do not work there. A
full disk, a read-only file or a damaged one is one diagnostic, never a traceback.
"""

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nasdsl.errors import CellError, cell_error

_WRITABLE = "make the file and its folder writable, or copy the store elsewhere"
_ADVICE = {
    errno.EROFS: _WRITABLE,
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
}
_RESUME = "then go on with the same command and `--resume`: all that was acknowledged is there"


@contextmanager
def diagnosed(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of the disk into diagnostics.

    Raises:
        CellError: NAS860 (the store cannot be read or written), NAS865 (it is damaged).
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _refusal(path, error) from error
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "a store needs a local folder that can be written")
        raise cell_error("NAS860", f"{path}: {error.strerror or error}", advice, _RESUME) from error


def _refusal(path: Path, error: sqlite3.Error) -> CellError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return cell_error(
            "NAS860", f"{path}: no space is left for the store", "free some space", _RESUME
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return cell_error(
            "NAS860",
            f"{path} is read-only, and a search has to write it",
            _WRITABLE,
            _RESUME,
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return cell_error(
            "NAS860", f"{path} cannot be opened", "its folder has to exist and be writable"
        )
    if name.startswith("SQLITE_IOERR"):
        return cell_error(
            "NAS860",
            f"{path}: the disk fails ({error})",
            "look for a full or failing disk, or a limit on the size of files",
            _RESUME,
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return cell_error("NAS864", f"{path} is locked by another program", "close it", _RESUME)
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return cell_error(
            "NAS865",
            f"{path} is no store of a search, or it is damaged ({error})",
            "a backup may be restored with `sqlite3 STORE .recover`",
        )
    return cell_error("NAS860", f"{path}: {error}", _RESUME)


_MOUNTS = Path("/proc/self/mountinfo")
#: Types of file systems that other machines share, as `mountinfo` calls them.
_SHARED = frozenset(
    (
        *("nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "9p"),
        *("lustre", "gpfs", "mmfs", "beegfs", "fhgfs", "ceph", "gfs", "gfs2", "ocfs2", "orangefs"),
        *("pvfs2", "panfs", "wekafs", "glusterfs", "acfs", "davfs", "quobyte", "vastnfs"),
    )
)
_SHARED_FUSE = re.compile(
    r"^fuse\.(sshfs|glusterfs|ceph|s3fs|gcsfuse|rclone|juicefs|quobyte|curlftpfs|"
    r"mfs|moosefs|seaweedfs|blobfuse2?|goofys|smbnetfs)"
)


def refuse_shared(path: Path, mounts: Path = _MOUNTS) -> None:
    """Do nothing where `path` lies on a local file system.

    Raises:
        CellError: NAS861, naming the file system, where it is shared between machines.
    """
    kind = file_system(path, mounts)
    if kind in _SHARED or _SHARED_FUSE.match(kind):
        raise cell_error(
            "NAS861",
            f"{path} lies on a network file system ({kind}), where a store would be damaged",
            "put the store on a local disk, for example `--store /tmp/search.db`",
            "SQLite's write-ahead log needs shared memory that one machine alone can give",
        )


def file_system(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of file system that `path` lies on, or an empty string where it is unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = path.absolute().parent.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted = Path(_unescaped(before.split(" ")[4]))
        # Of two mounts in one place the later one is seen.
        if place.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), after.split(" ")[0]
    return kind


def _unescaped(name: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name)
