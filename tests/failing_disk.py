"""Disks that fail: the n-th change below a folder is refused, or no file grows beyond a size."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Calls that change a folder, as Python announces them to audit hooks.
_CHANGES = frozenset(("os.mkdir", "os.rename", "os.truncate", "os.chmod"))


@dataclass
class Disk:
    """What happened below `folder`: how many changes there were, and whether one was refused."""

    folder: str
    fails_at: int
    error: int
    changes: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether the change that was to be refused has come."""
        return self.changes >= self.fails_at

    def consider(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count a change, and refuse it and all later ones where the disk has failed."""
        if not (event in _CHANGES or (event == "open" and _is_to_write(arguments))):
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        if not os.path.abspath(os.fsdecode(path)).startswith(self.folder + os.sep):
            return
        self.changes += 1
        if self.has_failed:
            raise OSError(self.error, os.strerror(self.error), os.fsdecode(path))


def _is_to_write(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if mode is not None:
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


_present: list[Disk] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for disk in _present:
        disk.consider(event, arguments)


_hooked: list[bool] = []


@contextmanager
def failing(folder: Path, fails_at: int, error: int) -> Iterator[Disk]:
    """Refuse the `fails_at`-th change (from 1) below a folder, and all later ones, with `error`.

    Changes are what Python code does: to open a file for writing, to make a folder, to rename;
    and not to remove, which works on a full disk. Files that were opened before can still be
    written to.
    """
    if not _hooked:
        # A hook cannot be removed; without a disk that fails it does nothing.
        sys.addaudithook(_hook)
        _hooked.append(True)
    disk = Disk(os.path.realpath(folder), fails_at, error)
    _present.append(disk)
    try:
        yield disk
    finally:
        _present.remove(disk)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let no file of this process grow beyond `most` bytes, whoever writes it."""
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
