"""What is installed: nasdsl's own metadata, and entry points of every package.

Like `importlib.metadata`, but in a checkout what concerns nasdsl comes from the checkout's
`pyproject.toml`. The metadata that Python finds there may be missing, older than the file, or
another clone's.
"""

import tomllib
from functools import cache
from importlib import metadata
from importlib.metadata import Distribution, EntryPoint
from os import PathLike
from pathlib import Path
from typing import Any

from nasdsl.resources import checkout
from nasdsl.version import __version__

NAME = "nasdsl"


def version_of(package: str) -> str | None:
    """The version of another package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def entry_points(group: str) -> list[EntryPoint]:
    """The entry points of a group, nasdsl's own first; each knows its `dist`."""
    found = metadata.entry_points(group=group)
    others = [entry for entry in found if entry.dist is None or entry.dist.name != NAME]
    return [*_own_entry_points(group), *others]


def plugin_entry_points() -> list[EntryPoint]:
    """The entry points of all groups whose names begin with `nasdsl.`, by group and name."""
    groups = {group for group in metadata.entry_points().groups if group.startswith(f"{NAME}.")}
    return [
        entry
        for group in sorted(groups | own_groups())
        for entry in sorted(entry_points(group), key=lambda entry: entry.name)
    ]


def own_groups() -> set[str]:
    """The groups of entry points that nasdsl itself has: one for each kind of plugin."""
    try:
        groups = distribution().entry_points.groups
    except metadata.PackageNotFoundError:
        return set()
    return {group for group in groups if group.startswith(f"{NAME}.")}


def distribution() -> Distribution:
    """The distribution nasdsl: its version and what it requires.

    Raises:
        PackageNotFoundError: nasdsl has been copied without its metadata.
    """
    root = checkout()
    return metadata.distribution(NAME) if root is None else _Checkout(root)


def _own_entry_points(group: str) -> list[EntryPoint]:
    try:
        return list(distribution().entry_points.select(group=group))
    except metadata.PackageNotFoundError:
        return []


class _Checkout(Distribution):
    """The distribution that an install of a checkout would make."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read_text(self, filename: str) -> str | None:
        """The metadata file of that name, as far as nasdsl reads it."""
        project = _project(self._root)
        if filename == "METADATA":
            return "\n".join(_metadata_lines(project))
        if filename == "entry_points.txt":
            return "\n".join(_entry_point_lines(project))
        return None

    def locate_file(self, path: "str | PathLike[str]") -> Path:
        """Where a file of the checkout lies."""
        return self._root / path


@cache
def _project(root: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def _metadata_lines(project: dict[str, Any]) -> list[str]:
    optional = project.get("optional-dependencies", {})
    return [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {__version__}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
        *(f"Provides-Extra: {extra}" for extra in optional),
        *(
            f"Requires-Dist: {_in_extra(needed, extra)}"
            for extra, group in optional.items()
            for needed in group
        ),
    ]


def _in_extra(needed: str, extra: str) -> str:
    requirement, _, marker = needed.partition(";")
    only = f'extra == "{extra}"'
    return f"{requirement.strip()}; " + (f"({marker.strip()}) and {only}" if marker else only)


def _entry_point_lines(project: dict[str, Any]) -> list[str]:
    groups = project.get("entry-points", {})
    return [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
