"""What SQLite says when it cannot go on, in words and with a way out.

Purpose: a full disk, a read-only file or a damaged one is one diagnostic, never a traceback.
Non-goals: repairing anything.
"""

import errno
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
