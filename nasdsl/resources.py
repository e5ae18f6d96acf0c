"""The grammar and the library as files, whether nasdsl is installed or runs from a checkout.

A wheel has them inside the package, a checkout beside it. They are looked for from this file and
not by the names `nasdsl.grammar` and `nasdsl.genotypes`: where another clone is installed, those
names lead there.
"""

from functools import cache
from pathlib import Path

# What `typing` has under this name; importing that takes longer than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def grammar() -> "Traversable":
    """The folder of `cell.lark`."""
    return _folder("grammar")


def genotypes() -> "Traversable":
    """The folder of the library."""
    return _folder("genotypes")


@cache
def checkout() -> Path | None:
    """The root of the checkout that nasdsl runs from; None where nasdsl is installed."""
    root = Path(__file__).parents[1]
    marks = (root / "pyproject.toml", root / "grammar" / "cell.lark")
    return root if all(mark.is_file() for mark in marks) else None


def _folder(name: str) -> "Traversable":
    root = checkout()
    if root is not None:
        return root / name
    # Imported here because it brings much along, and a checkout goes without.
    from importlib.resources import files

    return files("nasdsl") / name
