"""Backends: found through entry points, imported only when chosen.

Purpose: the protocol a backend follows, and the way from a name to a backend. A package
offers one by an entry point of the group `nasdsl.backends`; nothing here has to know it.
Non-goals: what backends make; graphs (`nasdsl.network`); choosing for the user.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, runtime_checkable

from nasdsl.errors import cell_error, listed, nearest
from nasdsl.network.graph import NetworkGraph

#: The group of entry points that backends are found in.
GROUP = "nasdsl.backends"


@runtime_checkable
class Backend(Protocol):
    """What an entry point of the group `nasdsl.backends` leads to."""

    @property
    def name(self) -> str:
        """The entry point's name."""

    @property
    def primitives(self) -> frozenset[str]:
        """What it has an emission for, of `nasdsl.network.graph.PRIMITIVES`."""

    @property
    def options(self) -> frozenset[str]:
        """The keyword arguments that `build` takes."""

    def build(self, graph: NetworkGraph, **options: Any) -> Any:
        """What the backend makes of a network: a module, a text, ..."""


def names() -> list[str]:
    """The installed backends, sorted; none of them is imported."""
    return sorted(_entries())


def find(name: str) -> Backend:
    """The backend of that name, imported.

    Raises:
        CellError: NAS701 where a package it needs is not installed, NAS702 where no backend
            is called so, NAS703 where two packages offer it, NAS704 where the entry point
            leads to something else.
    """
    entries = _entries()
    if name not in entries:
        guess = nearest(name, entries)
        hint = f"did you mean `{guess}`?" if guess else _installed(entries)
        raise cell_error("NAS702", f"no backend is called {name!r:.60}", hint)
    offers = {entry.value: entry for entry in entries[name]}
    if len(offers) > 1:
        packages = sorted({entry.dist.name for entry in offers.values() if entry.dist})
        raise cell_error(
            "NAS703",
            f"{len(offers)} installed packages offer a backend called `{name}`",
            f"uninstall all but one of {listed(packages)}",
        )
    (entry,) = offers.values()
    return _loaded(entry)


def checked(backend: Backend, graph: NetworkGraph) -> Backend:
    """The backend itself, where it has an emission for every primitive of the network.

    Raises:
        CellError: NAS704, naming those it lacks.
    """
    used = {node.primitive for module in graph.modules for node in module.body.nodes}
    missing = sorted(used - backend.primitives)
    if missing:
        raise cell_error(
            "NAS704",
            f"backend `{backend.name}` cannot emit {listed(missing)}, which `{graph.name}` needs",
        )
    return backend


# -- entry points -----------------------------------------------------------------------


def _entries() -> Mapping[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def _installed(entries: Mapping[str, object]) -> str:
    if not entries:
        return "none is installed; `pip install nasdsl` brings `torch` and `source`"
    return f"installed: {listed(sorted(entries))}"


def _loaded(entry: EntryPoint) -> Backend:
    try:
        found = entry.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise cell_error(
            "NAS701",
            f"backend `{entry.name}` needs `{missing}`, which is not installed",
            _remedy(entry, missing),
        ) from error
    except (ImportError, AttributeError) as error:
        raise cell_error(
            "NAS704", f"backend `{entry.name}` cannot be imported from {entry.value}: {error}"
        ) from error
    if not isinstance(found, Backend):
        raise cell_error(
            "NAS704",
            f"{entry.value} is offered as backend `{entry.name}` and is none",
            "a backend has `name`, `primitives`, `options` and `build`",
        )
    return found


def _remedy(entry: EntryPoint, missing: str) -> str:
    ours = entry.value.startswith("nasdsl_backends.")
    return f'pip install "nasdsl[{entry.name}]"' if ours else f"pip install {missing}"
