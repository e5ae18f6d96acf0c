"""Public names that are imported when they are first used.

Purpose: a package lists them in its `__init__.pyi`, a line a name, which type checkers and editors
read. `lazy_loader` imports them; its own reader of such files parses them as Python, which every
start of nasdsl would wait for.
"""

import re
from collections.abc import Callable
from pathlib import Path

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
    stub = f"{file.removesuffix('c')}i"
    names: dict[str, list[str]] = {}
    for module, name in _listed_in(stub):
        names.setdefault(module, []).append(name)
    modules = names.pop("", [])
    load, directory, every = lazy_loader.attach(package, modules, names)
    known = frozenset(every)

    def named(name: str) -> object:
        if name in known:
            return load(name)
        text = f"module {package!r} has no attribute {name!r}"
        # Python and notebooks ask for names of theirs, and catch the error.
        if not name.startswith("_"):
            text += f"; {_meant(package, name, every, Path(stub).parent, modules)}"
        raise AttributeError(text)

    return named, directory, every


def _listed_in(stub: str | Path) -> list[tuple[str, str]]:
    """The module and the name of each line."""
    with open(stub, encoding="utf-8") as stream:
        return [(module, name) for module, name, _ in _LINE.findall(stream.read())]


def _meant(package: str, name: str, every: list[str], folder: Path, modules: list[str]) -> str:
    """What may be meant by a name that a package lacks: in its packages, near it, or with it."""
    # Imported here because `import nasdsl` should be quick.
    from nasdsl.errors import did_you_mean, listed, nearest

    if (folder / name).is_dir() or (folder / f"{name}.py").is_file():
        return f"`import {package}.{name}` imports that module"
    for module in modules:
        stub = folder / module / "__init__.pyi"
        if stub.is_file() and name in (other for _, other in _listed_in(stub)):
            return did_you_mean(f"{module}.{name}")
    if (guess := nearest(name, every)) is not None:
        return did_you_mean(guess)
    longer = [other for other in every if name.lower() in other.lower()]
    return did_you_mean(longer[0]) if longer else f"there are {listed(every)}"
