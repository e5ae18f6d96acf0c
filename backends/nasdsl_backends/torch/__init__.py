"""The backend `torch`: trainable PyTorch modules.

Purpose: `backend`, which the entry point leads to, and the public `Network`.
Non-goals: exports; those are the backend `source` and the command `nasdsl compile`.
"""

from contextlib import AbstractContextManager
from typing import Any

import torch

from nasdsl.network.graph import NetworkGraph
from nasdsl.oneshot.graph import SuperGraph
from nasdsl_backends.torch.emission import EMISSIONS
from nasdsl_backends.torch.mixed_supernet import MixedSupernet
from nasdsl_backends.torch.network import Network, NetworkOutputs
from nasdsl_backends.torch.path_supernet import PathSupernet

__all__ = ["MixedSupernet", "Network", "NetworkOutputs", "PathSupernet", "backend"]


class _TorchBackend:
    """See `nasdsl.backend.Backend`."""

    name = "torch"
    passes = ("merge", "hoist")
    options: frozenset[str] = frozenset({"device", "dtype", "seed", "drop_path_mode"})

    @property
    def primitives(self) -> frozenset[str]:
        """What the table of emissions has."""
        return frozenset(EMISSIONS)

    def build(self, graph: NetworkGraph, **options: Any) -> Network:
        """The network as a module; the options are `Network`'s arguments."""
        with _ordinary_tensors():
            return Network(graph, **options)

    def supernet(self, graph: SuperGraph, relaxation: str, **options: Any) -> PathSupernet:
        """The members of a space as one module; the options are `PathSupernet`'s arguments."""
        with _ordinary_tensors():
            if relaxation == "path":
                return PathSupernet(graph, **options)
            return MixedSupernet(graph, relaxation, **options)  # type: ignore[arg-type]


def _ordinary_tensors() -> AbstractContextManager[Any]:
    """What is built in inference mode can be trained after it, and is drawn by other threads."""
    return torch.inference_mode(False)


backend = _TorchBackend()
