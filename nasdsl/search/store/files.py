"""The store as a file: on a local disk, locked, and with errors that say what to do.

Network file systems are refused, because SQLite's locks and shared memory do not work there. A
full disk, a read-only file or a damaged one is one diagnostic, never a traceback.
"""

import errno
import fcntl
import os
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from nasdsl.errors import CellError, cell_error, listed
from nasdsl.loading.kinds import SQLITE, kind_at
from nasdsl.search.store.records import NotOfASearch

_WRITABLE = "make the file and its folder writable, or copy the store elsewhere"
_ADVICE = {
    errno.EROFS: _WRITABLE,
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
}
#: What SQLite calls it where a file does not hold what it should.
_DAMAGE = tuple(
    f"SQLITE_{name}" for name in ("NOTADB", "CORRUPT", "ERROR", "FORMAT", "MISMATCH", "CONSTRAINT")
)
_RESUME = "then run the same command with `--resume`: every committed result is still there"


# -- errors ------------------------------------------------------------------------------


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of the disk into diagnostics.

    Raises:
        CellError: NAS860 (the store cannot be read or written), NAS864 (it is in use), NAS865
            (it is damaged).
    """
    try:
        yield
    except NotOfASearch as error:
        raise cell_error(
            "NAS865",
            f"{path} is not the store of a search, or it is damaged: {error}",
            "`sqlite3 STORE .recover` can often save the rows of a damaged store",
        ) from error
    except UnicodeDecodeError as error:
        # SQLite quotes the file in its messages, and Python cannot read such a message.
        raise _store_error(path, sqlite3.DatabaseError("text that is not UTF-8")) from error
    except sqlite3.Error as error:
        raise _store_error(path, error) from error
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "a store needs a local folder that can be written")
        raise cell_error("NAS860", f"{path}: {error.strerror or error}", advice, _RESUME) from error


def _store_error(path: Path, error: sqlite3.Error) -> CellError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return cell_error(
            "NAS860", f"{path}: no space is left for the store", "free some space", _RESUME
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return cell_error(
            "NAS860", f"{path} is read-only, but a search has to write to it", _WRITABLE, _RESUME
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return cell_error(
            "NAS860", f"{path} cannot be opened", "its folder has to exist and be writable"
        )
    if name.startswith("SQLITE_IOERR"):
        return cell_error(
            "NAS860",
            f"{path}: reading or writing the disk failed ({error})",
            "check for a full or failing disk, or a limit on the size of files",
            _RESUME,
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return cell_error("NAS864", f"{path} is locked by another program", "close it", _RESUME)
    # Where Python cannot read a value, such as a text that is not UTF-8, there is no name.
    if not name or name.startswith(_DAMAGE):
        return cell_error(
            "NAS865",
            f"{path} is not the store of a search, or it is damaged ({error})",
            "`sqlite3 STORE .recover` can often save the rows of a damaged store",
        )
    return cell_error("NAS860", f"{path}: {error}", _RESUME)


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database, or empty, as one is before its first entry."""
    with path.open("rb") as stream:
        return stream.read(len(SQLITE)) in (SQLITE, b"")


def require_store(path: Path) -> None:
    """Refuse a path at which there is nothing, or something else than a database.

    Raises:
        CellError: NAS001 or NAS865.
    """
    if path.is_file() and _is_locked_here(path):
        return  # a search of this process wrote it; opening and closing it would end SQLite's locks
    kind = kind_at(path)
    if kind is not None and not (path.is_file() and is_database(path)):
        said = f"{path} is {kind.words}, not the store of a search"
        holds = _stores_in(path, "it holds") if kind.is_any_folder else []
        raise cell_error("NAS865", said, *kind.hints, *holds)
    if not path.is_file():
        creates = "`nasdsl search` creates a store"
        holds = _stores_in(path.absolute().parent, "its folder holds")
        raise cell_error("NAS001", f"{path}: no such file", creates, *holds)


def _stores_in(folder: Path, said: str) -> list[str]:
    """A hint that names the databases of a folder; none where it has none."""
    stores = sorted(each.name for each in folder.glob("*.db"))
    return [f"{said} {listed(stores)}"] if stores else []


# -- the disk ----------------------------------------------------------------------------

#: Types of file systems that several machines share.
_NETWORK = frozenset(
    (
        *("nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "9p"),
        *("lustre", "gpfs", "mmfs", "beegfs", "fhgfs", "ceph", "gfs", "gfs2", "ocfs2", "orangefs"),
        *("pvfs2", "panfs", "wekafs", "glusterfs", "acfs", "davfs", "quobyte", "vastnfs"),
    )
)
_NETWORK_FUSE = re.compile(
    r"^fuse\.(sshfs|glusterfs|ceph|s3fs|gcsfuse|rclone|juicefs|quobyte|curlftpfs|"
    r"mfs|moosefs|seaweedfs|blobfuse2?|goofys|smbnetfs)"
)


def require_local_disk(path: Path) -> None:
    """Check that `path` is on a local file system, as far as the system tells.

    Raises:
        CellError: NAS861, naming the file system, where other machines share it.
    """
    kind = file_system(path)
    if kind in _NETWORK or _NETWORK_FUSE.match(kind):
        raise cell_error(
            "NAS861",
            f"{path} is on a network file system ({kind}), where a store would be damaged",
            "put the store on a local disk, for example `--store /tmp/search.db`",
            "SQLite's write-ahead log needs shared memory, which works on one machine only",
        )


def file_system(path: Path) -> str:
    """The type of file system that `path` is on, or an empty string where it is unknown."""
    try:
        mounts = psutil.disk_partitions(all=True)
    except (OSError, NotImplementedError):
        return ""
    folder = path.resolve().parent
    depth, kind = -1, ""
    for mount in mounts:
        mounted = Path(mount.mountpoint)
        # Of two mounts in one place, the later one hides the earlier one.
        if folder.is_relative_to(mounted) and len(mounted.parts) >= depth:
            depth, kind = len(mounted.parts), mount.fstype
    return kind


# -- the lock ----------------------------------------------------------------------------

#: Device and inode of the files that this process has locked.
_LOCKED: set[tuple[int, int]] = set()
#: How often, and after how long, a lock that is held is tried again.
_ATTEMPTS, _PAUSE_SECONDS = 5, 0.01


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other searches out of a store while the block runs.

    The lock is on the file itself, so a store is the same one under every name it has, through
    symbolic and hard links; and the system releases it when the process ends, however it ends.
    (filelock was tried: up to version 3 it empties the file that it locks.)

    Raises:
        CellError: NAS864, another search has the store open.
    """
    file = _file_to_lock(path)
    # Looked up first, because opening and closing the file again would end the locks that
    # SQLite holds on it: those belong to the process as a whole.
    if _is_locked_here(path):
        raise _in_use(path)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    identity = _identity(os.fstat(handle))
    if not _is_taken(handle):
        os.close(handle)
        raise _in_use(path)
    _LOCKED.add(identity)
    try:
        yield
    finally:
        _LOCKED.discard(identity)
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether a search has the store open, in this process or another one.

    It is to be called before this process opens the file with SQLite, whose locks would end here.
    """
    file = _file_to_lock(path)
    if _is_locked_here(path):
        return True
    try:
        handle = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _is_locked_here(path: Path) -> bool:
    """Whether a search of this process has the store open."""
    try:
        return _identity(os.stat(_file_to_lock(path))) in _LOCKED
    except OSError:
        return False


def _is_taken(handle: int) -> bool:
    """Take the lock; False if another search has it. `is_locked` holds it for a moment only."""
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < _ATTEMPTS:
                time.sleep(_PAUSE_SECONDS)
        else:
            return True
    return False


def _file_to_lock(path: Path) -> Path:
    # Outside Linux, flock and SQLite's own locks exclude each other, even in one process.
    return path if sys.platform == "linux" else path.resolve().with_name(f"{path.name}.lock")


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _in_use(path: Path) -> CellError:
    return cell_error(
        "NAS864",
        f"{path} is in use by another search",
        "wait for it to end, or watch it with `nasdsl search status`",
        "another search needs another store",
    )
