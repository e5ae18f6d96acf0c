"""`Registry`: things of one kind, found by name among the installed packages.

Purpose: backends, skeletons, passes, searchers, formats and all else that others may add are
entry points of a group `nasdsl.KINDS`. A name leads to an object that is imported when it is
asked for, and every kind refuses a wrong name, a missing package or a doubtful offer in the
same words. What this repository offers is registered in the same way as everything else.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from nasdsl.errors import CellError, cell_error, install_hint, listed, name_hints
from nasdsl.values import require_types

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

#: Packages whose missing dependencies an extra of nasdsl installs.
_OUR_PACKAGES = ("nasdsl", "nasdsl_backends")


@dataclass(frozen=True, slots=True)
class Plugin:
    """Something installed that a group of entry points offers, not imported.

    Attributes:
        kind: the group without `nasdsl.`: `backends`, `searchers`, ...
        name: what it is asked for by.
        value: the object it leads to, `module:attribute`.
        package: the distribution that brings it; empty where that is unknown.
        version: of the package.
        problem: why it cannot be asked for; empty where it can, as far as this can be known
            without importing it.
    """

    kind: str
    name: str
    value: str
    package: str
    version: str
    problem: str = ""


def installed_plugins() -> list[Plugin]:
    """Everything that is installed, of every kind, by kind and name."""
    # Imported here because a text that needs no plugin should be read quickly.
    from nasdsl.metadata import own_groups, plugin_entry_points

    entries = plugin_entry_points()
    known = own_groups()
    offers: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        offers.setdefault((entry.group, entry.name), set()).add(entry.value)
    return [
        Plugin(
            entry.group.partition(".")[2],
            entry.name,
            entry.value,
            entry.dist.name if entry.dist else "",
            entry.dist.version if entry.dist else "",
            _problem(entry, known, offers[entry.group, entry.name]),
        )
        for entry in entries
    ]


def _problem(entry: "EntryPoint", known: set[str], offers: set[str]) -> str:
    if entry.group not in known:
        return "; ".join(["there is no such kind", *name_hints(entry.group, known)])
    return "" if len(offers) == 1 else "two packages offer this name"


def require_packages(who: str, packages: Iterable[str], extra: str) -> None:
    """Refuse what needs packages that are not installed; none of them is imported.

    Args:
        who: what needs them, with the verb: "runtime `onnxruntime` needs".
        packages: names of modules.
        extra: the extra that brings them; empty where pip is asked for them directly.

    Raises:
        CellError: NAS701.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise cell_error(
            "NAS701",
            f"{who} {listed(missing)}, which {verb} not installed",
            install_hint(extra) if extra else f"run `pip install {' '.join(missing)}`",
        )


def missing_package(error: BaseException) -> str | None:
    """The package that an import did not find; None where it failed for another reason.

    A module that is not in a package, which itself is installed, is such a reason: the name is
    wrong, or the version.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    package = error.name.partition(".")[0]
    try:
        # None stands for a package that must not be imported.
        is_there = sys.modules.get(package) is not None or find_spec(package) is not None
    except ValueError:
        is_there = False
    return None if is_there else package


@dataclass(frozen=True, slots=True)
class Registry(Generic[T]):
    """All installed things of one kind.

    Attributes:
        kind: what one of them is called in messages: `backend`.
        group: the group of entry points, `nasdsl.backends`.
        type: what an object must be an instance of: a class or a runtime-checkable protocol.
            `object` takes everything.
        unknown: the code of an error about a name that nothing has.
        ambiguous: the code where two packages offer one name; `unknown` where it is empty.
        unusable: the code where an offer cannot be imported or is something else; `unknown`
            where it is empty.
        extra: the extra of nasdsl that installs what ours need.
        requirement: what an object must have, for the hint: "a backend has `name` and `build`".
        first: names that come before all others, in this order; the others are sorted.
        list_of_all: the hint's words before the list of all names.
    """

    kind: str
    group: str
    type: type
    unknown: str
    ambiguous: str = ""
    unusable: str = ""
    extra: str = ""
    requirement: str = ""
    first: tuple[str, ...] = ()
    list_of_all: str = "installed:"

    def names(self) -> list[str]:
        """The installed names in order; nothing is imported."""
        installed = _entries(self.group, tuple(sys.path))
        first = [name for name in self.first if name in installed]
        return [*first, *sorted(installed.keys() - set(first))]

    def __contains__(self, name: object) -> bool:
        return name in _entries(self.group, tuple(sys.path))

    def __len__(self) -> int:
        return len(_entries(self.group, tuple(sys.path)))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def find(self, name: str) -> T:
        """The object of that name, imported.

        Raises:
            CellError: NAS008, it is no text; `unknown` where nothing is called so, `ambiguous`
                where two packages offer it, NAS701 where a package it needs is not installed,
                `unusable` where it cannot be imported or is not of this kind.
        """
        return self._loaded(self._entry(name))

    def usable(self) -> dict[str, T]:
        """Every object that `find` finds, by name.

        One package that is broken is no reason to refuse what the others do;
        `nasdsl doctor` says what is wrong with it.
        """
        found = {}
        for name in self.names():
            with suppress(CellError):
                found[name] = self.find(name)
        return found

    def require(self, name: str) -> None:
        """Refuse a name that nothing has; nothing is imported.

        Raises:
            CellError: as `find` does of names.
        """
        self._entry(name)

    def unknown_name(self, name: str, *hints: str, others: Iterable[str] = ()) -> CellError:
        """The error about a name that nothing has, with the nearest or all there are.

        Args:
            name: what was asked for.
            hints: what else to do.
            others: names of another kind that would do in the same place.
        """
        known = [*self.names(), *others]
        all_of_them = f"{self.list_of_all} {listed(known)}" if known else "none is installed"
        return cell_error(
            self.unknown,
            f"no {self.kind} is called {name!r:.60}",
            *name_hints(name, known, "" if hints else all_of_them),
            *hints,
        )

    def _entry(self, name: str) -> "EntryPoint":
        require_types(name=(name, str))
        entries = _entries(self.group, tuple(sys.path)).get(name)
        if entries is None:
            raise self.unknown_name(name)
        offers = {entry.value: entry for entry in entries}
        if len(offers) > 1:
            packages = sorted({entry.dist.name for entry in offers.values() if entry.dist})
            raise cell_error(
                self.ambiguous or self.unknown,
                f"{len(offers)} installed packages offer {self._one} called `{name}`",
                f"uninstall all but one of {listed(packages)}",
            )
        return entries[0]

    def _loaded(self, entry: "EntryPoint") -> T:
        try:
            found: Any = entry.load()
        except Exception as error:
            if isinstance(error, CellError) and error.diagnostics[0].code == "NAS701":
                raise  # it says itself which packages are not installed
            if (missing := missing_package(error)) is not None:
                raise cell_error(
                    "NAS701",
                    f"{self.kind} `{entry.name}` needs `{missing}`, which is not installed",
                    self._remedy(entry, missing),
                ) from error
            # Whatever somebody else's module may raise: it is a finding, and no traceback.
            reason = str(error) or type(error).__name__
            raise cell_error(
                self.unusable or self.unknown,
                f"{self.kind} `{entry.name}` cannot be imported from {entry.value}: {reason:.200}",
            ) from error
        if not isinstance(found, self.type):
            raise cell_error(
                self.unusable or self.unknown,
                f"{entry.value} is offered as {self.kind} `{entry.name}` but is not one",
                *([self.requirement] if self.requirement else []),
            )
        return cast(T, found)

    @property
    def _one(self) -> str:
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"

    def _remedy(self, entry: "EntryPoint", missing: str) -> str:
        ours = entry.value.partition(":")[0].partition(".")[0] in _OUR_PACKAGES
        return install_hint(self.extra) if ours else f"pip install {missing}"


@cache
def _entries(group: str, path: tuple[str, ...]) -> "Mapping[str, list[EntryPoint]]":
    """The entry points of a group by name, as the packages on `path` have them."""
    from nasdsl.metadata import entry_points

    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group):
        found.setdefault(entry.name, []).append(entry)
    return found
