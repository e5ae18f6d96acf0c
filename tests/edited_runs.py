"""Runs that somebody has edited: what a folder is worth whose files say something else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nasdsl.errors import CellError


def refusal(
    run: Path, copy: Path, edit: tuple[str, str, str], resume: Callable[[Path], object]
) -> str:
    """What is said (NAS843) where a copy of a run is resumed after an edit.

    Args:
        run: the folder.
        copy: where there is none yet.
        edit: a file of it, a part of its text, and what takes the place of that.
        resume: goes on with the run in a folder.
    """
    name, before, after = edit
    shutil.copytree(run, copy)
    text = (copy / name).read_text()
    assert before in text, text
    (copy / name).write_text(text.replace(before, after))
    with pytest.raises(CellError, match="NAS843") as raised:
        resume(copy)
    return raised.value.diagnostics[0].message
