"""`SectionNetwork`: a part of a network as a module of its own.

Purpose: run the modules of a `Section` with the layers of the network that it is a part of, under
the names that they have there.
Non-goals: which part (`nasdsl.network.section`).
"""

from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.network.section import Section
from nasdsl.primitives import Node
from nasdsl_backends.torch.emission import EMISSIONS
from nasdsl_backends.torch.module import GraphModule, drop_at, register
from nasdsl_backends.torch.program import Program, program_of
from nasdsl_backends.torch.schedule import calls_of


class SectionNetwork(nn.Module):
    """Some modules of a network: states in, states out.

    Args:
        part: the modules.
        whole: the network whose layers they have.
        drop_path: the network's, see `Network`.
        is_plain: whether its paths are dropped in the mode `plain`.

    Attributes:
        progress: a buffer: how far training is, from 0 to 1.
    """

    progress: Tensor

    def __init__(self, part: Section, whole: nn.Module, drop_path: float, is_plain: bool) -> None:
        super().__init__()
        self.part, self.drop_path, self.is_plain = part, drop_path, is_plain
        programs: dict[int, Program] = {}
        for module in part.modules:
            program = programs.setdefault(id(module.body), program_of(module.body))
            layers = _LayersOf(whole, module.name)
            made = GraphModule(module.body, layers, program)
            register(self, module.name.split("."), made, nn.ModuleDict)
        made_states = [ref for module in part.modules for ref in module.outputs]
        slots = {ref: slot for slot, ref in enumerate(dict.fromkeys([*part.inputs, *made_states]))}
        self._slots = len(slots)
        self._calls = calls_of(part.modules, slots, part.outputs)
        self._outputs = tuple(slots[ref] for ref in part.outputs)
        self.register_buffer("progress", whole.get_buffer("progress").clone())
        self.train(whole.training)

    def forward(self, *states: Tensor) -> tuple[Tensor, ...]:
        """The section's outputs, each (B, C, h, w), from its inputs."""
        values: list[Any] = [*states, *[None] * (self._slots - len(states))]
        for path, inputs, outputs, frees, depth in self._calls:
            module: nn.Module = self
            for name in path:
                module = module._modules[name]  # type: ignore[assignment]
            drop = None
            if self.training:
                drop = drop_at(depth, self.drop_path, self.is_plain, self.progress)
            made = module(*[values[slot] for slot in inputs], drop=drop)
            for slot in frees:
                values[slot] = None
            for slot, value in zip(outputs, made, strict=True):
                values[slot] = value
        return tuple(values[slot] for slot in self._outputs)

    def set_progress(self, progress: float) -> None:
        """Say how far training is: steps taken / steps in all. See `Network.set_progress`."""
        with torch.no_grad():
            self.progress.fill_(min(max(progress, 0.0), 1.0))


class _LayersOf:
    """Hands over the layers of a network; see `maker.Maker`."""

    def __init__(self, whole: nn.Module, module: str) -> None:
        self.whole, self.module = whole, module

    def within(self, module: str) -> "_LayersOf":
        """What hands over the layers of that module."""
        return _LayersOf(self.whole, module)

    def layer(self, node: Node) -> nn.Module | None:
        """The layer of a node; None where its primitive becomes a function."""
        if EMISSIONS[node.primitive].module is None:
            return None
        return self.whole.get_submodule(f"{self.module}.{node.name}")
