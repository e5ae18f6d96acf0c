"""Backends: found through entry points, imported only when chosen.

Purpose: the protocol a backend follows, and the way from a name to a backend. A package
offers one by an entry point of the group `nasdsl.backends`; nothing here has to know it.
Non-goals: what backends make; graphs (`nasdsl.network`); choosing for the user.
"""

from typing import Any, Protocol, runtime_checkable

from nasdsl.errors import cell_error, listed
from nasdsl.network.graph import NetworkGraph
from nasdsl.passes import AS_THE_BACKEND_ASKS, PASSES, Pipeline, run
from nasdsl.registry import Registry


@runtime_checkable
class Backend(Protocol):
    """What an entry point of the group `nasdsl.backends` leads to.

    It may also have `passes`: the names of the passes, in their order, that a graph goes
    through before `build` is given it. Without, it is given the graph as it was expanded.
    """

    @property
    def name(self) -> str:
        """The entry point's name."""

    @property
    def primitives(self) -> frozenset[str]:
        """What it has an emission for, of `nasdsl.primitives.PRIMITIVES`."""

    @property
    def options(self) -> frozenset[str]:
        """The keyword arguments that `build` takes."""

    def build(self, graph: NetworkGraph, **options: Any) -> Any:
        """What the backend makes of a network: a module, a text, ..."""


#: The installed backends; `torch` and `source` are ours.
BACKENDS: Registry[Backend] = Registry(
    kind="backend",
    group="nasdsl.backends",
    type=Backend,
    unknown="NAS702",
    ambiguous="NAS703",
    unusable="NAS704",
    extra="torch",
    requirement="a backend has `name`, `primitives`, `options` and `build`",
)


def names() -> list[str]:
    """The installed backends, sorted; none of them is imported."""
    return BACKENDS.names()


def find(name: str) -> Backend:
    """The backend of that name, imported.

    Raises:
        CellError: NAS701 where a package it needs is not installed, NAS702 where no backend
            is called so, NAS703 where two packages offer it, NAS704 where the entry point
            leads to something else.
    """
    return BACKENDS.find(name)


def require_emissions(backend: Backend, graph: NetworkGraph) -> None:
    """Refuse a backend that lacks an emission for a primitive of the network.

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


def passes_of(backend: Backend) -> tuple[str, ...]:
    """The names of the passes that a backend wants."""
    return tuple(getattr(backend, "passes", ()))


def require_names(backend: str, pipeline: Pipeline) -> None:
    """Refuse names of backends and passes that nothing has; nothing is imported.

    Raises:
        CellError: NAS702 and NAS703, or NAS720 and NAS721.
    """
    BACKENDS.require(backend)
    for name in pipeline.names or ():
        PASSES.require(name)


def build(
    backend: Backend,
    graph: NetworkGraph,
    pipeline: Pipeline = AS_THE_BACKEND_ASKS,
    **options: Any,
) -> Any:
    """What a backend makes of a graph, after its passes.

    Args:
        backend: as `find` gives it.
        graph: as it was expanded.
        pipeline: the passes, where they are not the backend's own.
        **options: the backend's own.

    Raises:
        CellError: NAS704 where it lacks a primitive or cannot do with such a graph; what
            `nasdsl.passes.run` raises.
    """
    names = passes_of(backend) if pipeline.names is None else pipeline.names
    passed = run(graph, names, verify=pipeline.verify, after=pipeline.after)
    require_emissions(backend, passed)
    return backend.build(passed, **options)
