"""Public names that are imported when they are first used.

Purpose: a package lists them in its `__init__.pyi`, a line a name, which type checkers and editors
read. `lazy_loader` imports them; its own reader of such files parses them as Python, which every
start of nasdsl would wait for.
"""

import re
from collections.abc import Callable

import lazy_loader

_LINE = re.compile(r"from \.([\w.]*) import (\w+) as (\w+)")


def attached(
    package: str, file: str
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package.

    Args:
        package: its `__name__`.
        file: its `__file__`; the list is beside it.
    """
    with open(f"{file.removesuffix('c')}i", encoding="utf-8") as stream:
        lines = _LINE.findall(stream.read())
    names: dict[str, list[str]] = {}
    for module, name, _ in lines:
        names.setdefault(module, []).append(name)
    modules = names.pop("", [])
    found: tuple[Callable[[str], object], Callable[[], list[str]], list[str]]
    found = lazy_loader.attach(package, modules, names)
    return found
