"""`nasdsl doctor`: the installation."""

import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import click

from nasdsl import __version__, library
from nasdsl.cli import output
from nasdsl.cli.arguments import json_option
from nasdsl.cli.command import Command
from nasdsl.errors import install_hint
from nasdsl.loading import analyse

_NEEDED = ("lark", "networkx", "click", "rich-click", "rich", "pyyaml", "graphviz")
_EXTRAS = {
    "torch": f"networks need it: {install_hint('torch')}",
    "torchvision": f"training needs it: {install_hint('train')}",
    "safetensors": f"weights are saved with it: {install_hint('torch')}",
    "accelerate": f"training needs it: {install_hint('train')}",
    "scikit-learn": f"the data set `digits` needs it: {install_hint('train')}",
    "tensorboard": f"training writes scalars for it: {install_hint('train')}",
    "hypothesis": f"nasdsl.strategies needs it: {install_hint('strategies')}",
}
_MARKS = {True: ("ok", "green"), None: ("--", "yellow"), False: ("no", "red")}


class Check(NamedTuple):
    """Something that was looked at; `ok` is None where it is only good to have."""

    name: str
    ok: bool | None
    found: str


@click.command(
    "doctor",
    cls=Command,
    examples="""
        nasdsl doctor
        nasdsl doctor --json
    """,
)
@json_option()
def command(as_json: bool) -> int:
    """Look at the installation: Python, packages, dot, and whether the library is sound.

    Packages are looked up, not imported. The exit code is 1 where something nasdsl needs is
    missing or broken.
    """
    found = list(checks())
    broken = [check for check in found if check.ok is False]
    if as_json:
        output.data_object(ok=not broken, checks=[check._asdict() for check in found])
        return 1 if broken else 0
    width = max(len(check.name) for check in found)
    for check in found:
        mark, colour = _MARKS[check.ok]
        output.data(f"{output.styled(mark, fg=colour)}  {check.name:<{width}}  {check.found}\n")
    if broken:
        output.note(f"broken: {', '.join(check.name for check in broken)}")
    return 1 if broken else 0


def checks() -> Iterator[Check]:
    """Everything that is looked at, in the order it is shown."""
    python = f"{platform.python_version()} ({sys.executable})"
    yield Check("python", sys.version_info >= (3, 11), python)
    yield Check("nasdsl", True, f"{__version__} ({Path(__file__).parents[1]})")
    for name in _NEEDED:
        version = _version(name)
        yield Check(name, version is not None, version or f"missing; {install_hint()}")
    for name, use in _EXTRAS.items():
        version = _version(name)
        yield Check(name, None if version is None else True, version or f"not installed; {use}")
    dot = shutil.which("dot")
    missing = "not found; diagrams as SVG, PDF or PNG need Graphviz (https://graphviz.org)"
    yield Check("dot", None if dot is None else True, dot or missing)
    yield _library()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _library() -> Check:
    names = [*library.names(), *library.vocabulary_names()]
    broken = [
        name
        for name in names
        if any(found.is_error for found in analyse(library.source(name)).diagnostics)
    ]
    if broken or not names:
        return Check("library", False, f"mistakes in {', '.join(broken)}" if broken else "empty")
    return Check("library", True, f"{len(names)} files, all sound")
