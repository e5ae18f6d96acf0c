"""FILE arguments that stand for several files: folders, and patterns that the shell left alone.

Purpose: `nasdsl check cells` and, where the shell expands nothing, `nasdsl check '*.cell'`.
Non-goals: reading them (`nasdsl.cli.reading`).
"""

import os
from glob import glob, has_magic
from pathlib import Path

import click

from nasdsl.errors import cell_error
from nasdsl.loading import is_library_name


def matching_files(name: str) -> tuple[str, ...]:
    """The files that a FILE argument stands for; anything but a folder or a pattern is itself.

    A folder stands for every .cell file in it and in its folders, except for hidden ones. In a
    pattern, `**` stands for any number of folders.

    Raises:
        CellError: NAS001, there is no such file.
    """
    if name == "-" or is_library_name(name):
        return (name,)
    path = Path(name)
    if os.path.isdir(path):
        found = [each for each in path.rglob("*.cell") if not _is_hidden(each.relative_to(path))]
        if not found:
            raise cell_error("NAS001", f"there are no .cell files in the folder {name!r}")
        return tuple(sorted(str(each) for each in found if each.is_file()))
    if not has_magic(name) or "\n" in name or os.path.exists(path):
        return (name,)
    matches = sorted(each for each in glob(name, recursive=True) if Path(each).is_file())
    if not matches:
        raise cell_error("NAS001", f"no file matches the pattern {name!r}")
    return tuple(matches)


def refuse_unchangeable(names: tuple[str, ...]) -> None:
    """Refuse files of the library where files are to be changed."""
    for name in names:
        if is_library_name(name):
            raise click.UsageError(
                f"{name!r} is part of the library, which cannot be changed;"
                f" `nasdsl show {name.removesuffix('.cell')}` prints it."
            )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
