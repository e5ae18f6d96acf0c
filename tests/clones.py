"""Copies of the project's tree, for tests of what a checkout or an install reads."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGED = ("nasdsl", "grammar", "genotypes", "backends")
PROJECT = ("pyproject.toml", "README.md", "LICENSE")

#: Edits that give a clone another version, another library and a grammar that reads nothing.
_OTHER = (
    ("nasdsl/version.py", '__version__ = "', '__version__ = "9.'),
    ("genotypes/nasnet_a.cell", "genotype nasnet_a", "genotype of_the_other_clone"),
    ("grammar/cell.lark", "block:", "block_of_the_other_clone:"),
    ("backends/nasdsl_backends/__init__.py", '"""', 'raise ImportError("another clone")\n"""'),
)


def clone(folder: Path) -> Path:
    """What building and running need of the working tree, copied to `folder`."""
    folder.mkdir(parents=True)
    for name in PROJECT:
        shutil.copy(ROOT / name, folder)
    for name in PACKAGED:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return folder


def other_clone(folder: Path) -> Path:
    """A clone in which nothing that is read, but for the code, is as in the working tree."""
    clone(folder)
    for name, old, new in _OTHER:
        text = (folder / name).read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    return folder
