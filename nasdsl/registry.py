"""`Registry`: things of one kind, found by name among the installed packages.

Purpose: backends, skeletons, passes, searchers, formats and all else that others may add are
entry points of a group `nasdsl.KINDS`. A name leads to an object that is imported when it is
asked for, and every kind refuses a wrong name, a missing package or a doubtful offer in the
same words. What this repository offers is registered in the same way as everything else.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar, cast

from nasdsl.errors import CellError, cell_error, install_hint, listed, nearest
from nasdsl.metadata import entry_points

T = TypeVar("T")

#: Packages whose missing dependencies an extra of nasdsl installs.
_OUR_PACKAGES = ("nasdsl", "nasdsl_backends")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed thing of some kind, not imported.

    Attributes:
        kind: what it is: `backend`, `skeleton`, ...
        name: what it is asked for by.
        value: the object it leads to, `module:attribute`.
        package: the distribution that brings it; empty where that is unknown.
        version: of the package.
    """

    kind: str
    name: str
    value: str
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Registry(Generic[T]):
    """All installed things of one kind.

    Attributes:
        kind: what one of them is called in messages: `backend`.
        group: the group of entry points, `nasdsl.backends`.
        type: what an object must be an instance of: a class or a runtime-checkable protocol.
            `object` takes everything.
        unknown: the code of an error about a name that nothing has.
        ambiguous: the code where two packages offer one name.
        unusable: the code where an offer cannot be imported or is something else.
        extra: the extra of nasdsl that installs what ours need.
        requirement: what an object must have, for the hint: "a backend has `name` and `build`".
    """

    kind: str
    group: str
    type: type
    unknown: str
    ambiguous: str
    unusable: str
    extra: str = ""
    requirement: str = ""

    def names(self) -> list[str]:
        """The installed names, sorted; nothing is imported."""
        return sorted(_entries(self.group, tuple(sys.path)))

    def __contains__(self, name: object) -> bool:
        return name in _entries(self.group, tuple(sys.path))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def plugins(self) -> list[Plugin]:
        """Everything installed, by name; two offers of one name are two plugins."""
        entries = _entries(self.group, tuple(sys.path))
        return [
            Plugin(
                self.kind,
                entry.name,
                entry.value,
                entry.dist.name if entry.dist else "",
                entry.dist.version if entry.dist else "",
            )
            for name in sorted(entries)
            for entry in entries[name]
        ]

    def find(self, name: str) -> T:
        """The object of that name, imported.

        Raises:
            CellError: `unknown` where nothing is called so, `ambiguous` where two packages
                offer it, NAS701 where a package it needs is not installed, `unusable` where
                it cannot be imported or is not of this kind.
        """
        return self._loaded(self._entry(name))

    def all(self) -> dict[str, T]:
        """Every object by name, imported. Raises as `find` does."""
        return {name: self.find(name) for name in self.names()}

    def unknown_name(self, name: str) -> CellError:
        """The error about a name that nothing has, with the nearest or all there are."""
        known = self.names()
        guess = nearest(name, known)
        hint = f"did you mean `{guess}`?" if guess else f"installed: {listed(known)}"
        return cell_error(
            self.unknown, f"no {self.kind} is called {name!r:.60}", hint if known else self._none()
        )

    def _none(self) -> str:
        return f"none is installed; installing nasdsl brings every {self.kind} of its own"

    def _entry(self, name: str) -> EntryPoint:
        entries = _entries(self.group, tuple(sys.path)).get(name)
        if entries is None:
            raise self.unknown_name(name)
        offers = {entry.value: entry for entry in entries}
        if len(offers) > 1:
            packages = sorted({entry.dist.name for entry in offers.values() if entry.dist})
            raise cell_error(
                self.ambiguous,
                f"{len(offers)} installed packages offer a {self.kind} called `{name}`",
                f"uninstall all but one of {listed(packages)}",
            )
        return entries[0]

    def _loaded(self, entry: EntryPoint) -> T:
        try:
            found: Any = entry.load()
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            raise cell_error(
                "NAS701",
                f"{self.kind} `{entry.name}` needs `{missing}`, which is not installed",
                self._remedy(entry, missing),
            ) from error
        except (ImportError, AttributeError) as error:
            raise cell_error(
                self.unusable,
                f"{self.kind} `{entry.name}` cannot be imported from {entry.value}: {error}",
            ) from error
        if not isinstance(found, self.type):
            raise cell_error(
                self.unusable,
                f"{entry.value} is offered as {self.kind} `{entry.name}` and is none",
                *([self.requirement] if self.requirement else []),
            )
        return cast(T, found)

    def _remedy(self, entry: EntryPoint, missing: str) -> str:
        ours = entry.value.partition(":")[0].partition(".")[0] in _OUR_PACKAGES
        return install_hint(self.extra) if ours else f"pip install {missing}"


@cache
def _entries(group: str, path: tuple[str, ...]) -> Mapping[str, list[EntryPoint]]:
    """The entry points of a group by name, as the packages on `path` have them."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group):
        found.setdefault(entry.name, []).append(entry)
    return found
