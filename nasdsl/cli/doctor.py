"""`nasdsl doctor`: the installation."""

import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import click

from nasdsl import __version__, library
from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import json_option
from nasdsl.cli.plugins import names, title
from nasdsl.cli.probe import probe as probed
from nasdsl.errors import install_hint, listed
from nasdsl.loading import analyse
from nasdsl.metadata import NAME, distribution, version_of
from nasdsl.registry import Plugin, installed_plugins

#: Extras that say nothing of their own, or are for those who work on nasdsl.
_LEFT_OUT = ("all", "dev")
_EXTRA = re.compile(r"""extra == ["']([\w-]+)["']""")
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
    """Check the installation: Python, packages, devices, plugins and the library.

    The exit code is 1 if something that nasdsl needs is missing or broken. Optional parts that
    are missing are marked with `--`.
    """
    found = list(checks())
    broken = [check for check in found if check.ok is False]
    if as_json:
        output.data_object(ok=not broken, checks=[check._asdict() for check in found])
        return 1 if broken else 0
    width = max(len(check.name) for check in found)
    for check in found:
        mark, colour = _MARKS[check.ok]
        output.data_row(f"{click.style(mark, fg=colour)}  {check.name:<{width}}  ", check.found)
    if broken:
        output.note(f"broken: {', '.join(check.name for check in broken)}")
    return 1 if broken else 0


def checks() -> Iterator[Check]:
    """Everything that is looked at, in the order it is shown."""
    python = f"{platform.python_version()} ({sys.executable})"
    yield Check("python", sys.version_info >= (3, 11), python)
    yield Check("nasdsl", True, f"{__version__} ({Path(__file__).parents[1]})")
    yield from _packages()
    dot = shutil.which("dot")
    missing = "not found; diagrams as SVG, PDF or PNG need Graphviz (https://graphviz.org)"
    yield Check("dot", None if dot is None else True, dot or missing)
    yield _library()
    probe = probed()
    if probe.devices is not None:
        yield Check("devices", True, probe.devices)
    yield from _plugins(probe.broken)


def _packages() -> Iterator[Check]:
    """What nasdsl requires, then what its extras bring, each package once."""
    try:
        requirements = distribution().requires or []
    except metadata.PackageNotFoundError:
        yield Check("packages", None, "the metadata of the package nasdsl are missing")
        return
    extras: dict[str, list[str]] = {}
    for requirement in requirements:
        name, extra = _name(requirement), _EXTRA.search(requirement)
        wanted = extras.setdefault(name, [])
        if extra is not None and extra[1] not in _LEFT_OUT:
            wanted.append(extra[1])
        if extra is None:
            version = version_of(name)
            found = version or f"missing; {install_hint()}"
            yield Check(name, version is not None, found)
    for name, wanted in extras.items():
        if wanted and name != NAME:
            version = version_of(name)
            absent = f"not installed; {_needed_by(wanted)} it: {install_hint(wanted[0])}"
            yield Check(name, None if version is None else True, version or absent)


def _needed_by(extras: list[str]) -> str:
    return f"{listed(extras)} {'needs' if len(extras) == 1 else 'need'}"


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found else requirement


def _plugins(broken: Mapping[str, str]) -> Iterator[Check]:
    """What there is of each kind, then what of it cannot be used."""
    found = installed_plugins()
    usable = [each for each in found if not (each.problem or _key(each) in broken)]
    for kind, group in groupby(usable, key=lambda plugin: plugin.kind):
        yield Check(title(kind).lower(), True, names(list(group)))
    for plugin in found:
        reason = plugin.problem or broken.get(_key(plugin))
        if reason:
            package = f"{plugin.package} {plugin.version}"
            yield Check(plugin.name, None, f"cannot be used ({plugin.kind}, {package}): {reason}")


def _key(plugin: Plugin) -> str:
    return f"{NAME}.{plugin.kind}:{plugin.name}"


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
