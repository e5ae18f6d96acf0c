"""The backend `source`: one readable PyTorch file that needs nothing but PyTorch.

Purpose: `backend`, which the entry point leads to. It never imports torch itself.
Non-goals: writing files and comparing them with the network (`nasdsl.export`).
"""

from typing import Any

from nasdsl.network.graph import NetworkGraph
from nasdsl_backends.source.emission import EMISSIONS
from nasdsl_backends.source.page import page

__all__ = ["backend"]


class _SourceBackend:
    """See `nasdsl.backend.Backend`."""

    name = "source"
    passes = ()  # it prints networks as people write them
    options: frozenset[str] = frozenset({"text"})

    @property
    def primitives(self) -> frozenset[str]:
        """What the table of emissions has."""
        return frozenset(EMISSIONS)

    def build(self, graph: NetworkGraph, **options: Any) -> str:
        """The text of the file.

        `Network` in it has the parameter names of the backend `torch`, and computes the same.

        Args:
            graph: the network.
            **options: `text`, what the docstring shows as the `.cell` text.

        Raises:
            CellError: NAS704 where a pass has made a graph that is no chain of layers inside
                an op.
        """
        return page(graph, **{"text": "", **options})


backend = _SourceBackend()
