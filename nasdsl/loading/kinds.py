"""What lies at a path, for whoever expected something else there.

Purpose: a run where a file belongs, a store where a space belongs and so on are named, with what
can be done with them. The names in a run's folder are those of `nasdsl.train.run_folder`.
Non-goals: reading any of it; whether it is sound.
"""

import os
from pathlib import Path
from typing import NamedTuple

#: What every file of that database begins with.
SQLITE = b"SQLite format 3\0"
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pdf"})


class PathKind(NamedTuple):
    """What something is.

    Attributes:
        words: such as `the folder of a run`.
        hints: what can be done with it.
    """

    words: str
    hints: tuple[str, ...] = ()

    @property
    def is_any_folder(self) -> bool:
        """Whether it is a folder without anything of ours."""
        return self == _FOLDER


_FOLDER = PathKind("a folder")


def kind_at(path: str | os.PathLike[str]) -> PathKind | None:
    """What lies at a path; None where there is nothing, or nothing that is known."""
    path = Path(path)
    if os.path.isdir(path):
        return _folder(path)
    if not os.path.isfile(path):
        return None
    if path.suffix.lower() == ".cell":
        return PathKind("a text of cells", (f"`nasdsl train {path} --out RUN` trains its network",))
    if path.suffix.lower() in _PICTURES:
        return PathKind("a picture")
    return _store(path) if _begins(path, SQLITE) else None


def _folder(path: Path) -> PathKind:
    marks = {
        "run.json": PathKind(
            "the folder of a run",
            (
                f"its network is {path / 'network.cell'}",
                f"`nasdsl train --resume {path}` continues it",
            ),
        ),
        "seeds.json": PathKind(
            "the folder of runs with several seeds", (f"`nasdsl compare {path}` shows them",)
        ),
        "oneshot.json": PathKind(
            "the folder of a one-shot search",
            (
                f"its store is {path / 'search.db'}",
                f"`nasdsl search --resume {path}` continues it",
            ),
        ),
    }
    found = [kind for name, kind in marks.items() if os.path.isfile(path / name)]
    return found[0] if found else _FOLDER


def _store(path: Path) -> PathKind:
    return PathKind(
        "the store of a search",
        (
            f"`nasdsl search --resume {path}` continues it",
            f"`nasdsl search top {path} -o DIR` writes its best networks to files",
        ),
    )


def _begins(path: Path, bytes: bytes) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(bytes)) == bytes
    except OSError:
        return False
