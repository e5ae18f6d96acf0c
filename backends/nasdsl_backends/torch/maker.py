"""Layers for nodes, quickly.

Purpose: a network has hundreds of layers and few kinds of them. PyTorch's constructors are
slow, so the first of a kind is constructed and the others are copied from it without values.
Non-goals: which layer a node becomes (`emission`), weights (`initialise`).
"""

from typing import Protocol

import torch
from torch import nn

from nasdsl.primitives import Node
from nasdsl_backends.torch.emission import EMISSIONS, Target


class Maker(Protocol):
    """What a network has its layers from."""

    def within(self, module: str) -> "Maker":
        """What makes the layers of the module of that name."""

    def layer(self, node: Node) -> nn.Module | None:
        """The layer of a node; None where its primitive becomes a function."""


class LayerMaker:
    """Makes the layers of one network."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._first: dict[tuple[object, ...], nn.Module] = {}

    def within(self, module: str) -> "LayerMaker":
        """Itself: a new layer does not depend on its place."""
        return self

    def layer(self, node: Node) -> nn.Module | None:
        """A layer of its own for a node; None where its primitive becomes a function."""
        emission = EMISSIONS[node.primitive]
        make = emission.module
        if make is None:
            return None
        if not emission.copied:
            return make(node, self.target)
        key = node.primitive, node.before.channels, node.shape.channels, *node[5:]
        if key not in self._first:
            self._first[key] = make(node, self.target)
            return self._first[key]
        return _twin(self._first[key])


def _twin(layer: nn.Module) -> nn.Module:
    """A new layer with the same settings; of its tensors, only vectors have values."""
    twin = layer.__class__.__new__(layer.__class__)
    for name, value in vars(layer).items():
        # Tables and sets of a module are its own, all else cannot change.
        vars(twin)[name] = value.copy() if isinstance(value, dict | set) else value
    for name, parameter in layer._parameters.items():
        if parameter is not None:
            data = parameter.detach()
            new = data.clone() if data.dim() == 1 else torch.empty_like(data)
            twin._parameters[name] = nn.Parameter(new)
    for name, buffer in layer._buffers.items():
        twin._buffers[name] = None if buffer is None else buffer.clone()
    return twin
