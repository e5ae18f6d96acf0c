"""Checkpoints: everything a run needs to continue, in files that are complete or absent.

A file is written under another name, flushed to the disk and renamed, so a machine that stops at
any moment leaves the previous checkpoint. Older ones are deleted only after a newer one is
complete. Reading never runs code: files hold tensors and plain values, and PyTorch refuses
anything else.
"""

import os
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nasdsl.atomic_write import atomic_write, forgiving_stream, write_errors
from nasdsl.errors import CellError, cell_error, first_line

#: Stands in every file; increased when older ones can no longer be read.
FORMAT = 1
#: How many are kept: the newest, and another in case it is damaged.
KEPT = 2

_NAME = re.compile(r"step-(\d{9,})\.pt")

_UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError),
    *(pickle.UnpicklingError, zipfile.BadZipFile),
)

#: The state of a training between two steps: tensors and plain values by name.
TrainingState = dict[str, Any]


class LoadedCheckpoint(NamedTuple):
    """A checkpoint that was read, and the newer ones that could not be."""

    path: Path
    state: TrainingState
    damaged: tuple[Path, ...]


class Checkpoints:
    """The checkpoints of a run, in a folder of their own."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def paths(self) -> list[Path]:
        """The files, newest first."""
        if not self.folder.is_dir():
            return []
        named = ((path, _NAME.fullmatch(path.name)) for path in self.folder.iterdir())
        steps = [(int(match[1]), path) for path, match in named if match]
        return [path for _, path in sorted(steps, reverse=True)]

    def save(self, step: int, state: TrainingState) -> Path:
        """Write the state after `step` steps, then delete the oldest.

        Raises:
            CellError: NAS006, it cannot be written; the previous ones are still there.
        """
        path = self.folder / f"step-{step:09d}.pt"
        with write_errors(path):
            self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, forgiving_stream(temporary) as stream:
            torch.save({"format": FORMAT, "step": step, **state}, stream)
        with write_errors(self.folder):
            for old in self.paths()[KEPT:]:
                old.unlink(missing_ok=True)
            # What a kill in the middle of a write has left; a run has one writer.
            for half in self.folder.glob(".step-*.pt"):
                half.unlink(missing_ok=True)
        return path

    def newest(self) -> LoadedCheckpoint | None:
        """The newest checkpoint that loads; None if there are no files.

        Raises:
            CellError: NAS842, there are files and none of them loads.
        """
        damaged: list[Path] = []
        reasons: list[str] = []
        for path in self.paths():
            try:
                return LoadedCheckpoint(path, _read(path), tuple(damaged))
            except _UNREADABLE as error:
                damaged.append(path)
                reasons.append(f"{path.name}: {first_line(error, 120)}")
        if not damaged:
            return None
        raise cell_error("NAS842", f"no checkpoint in {str(self.folder)!r} can be read", *reasons)


@contextmanager
def state_errors(path: Path) -> Iterator[None]:
    """Turn what a state of another training causes, while it is being loaded, into NAS842."""
    try:
        yield
    except (CellError, torch.OutOfMemoryError):
        raise
    except (*_UNREADABLE, LookupError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error!s}".strip().splitlines()[0][:120]
        raise cell_error(
            "NAS842", f"the checkpoint {str(path)!r} is not one of this training", reason
        ) from error


def _read(path: Path) -> TrainingState:
    if not zipfile.is_zipfile(path):
        raise ValueError("damaged or cut short")
    with zipfile.ZipFile(path) as archive:
        # PyTorch writes checksums but does not verify them.
        if archive.testzip() is not None:
            raise ValueError("damaged: a checksum differs")
    with warnings.catch_warnings():
        # It warns about other formats; those fail below.
        warnings.simplefilter("ignore")
        state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"not a checkpoint of format {FORMAT}")
    return state
