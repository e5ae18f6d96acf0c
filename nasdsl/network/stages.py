"""Stages: the feature map of each resolution.

Purpose: which modules end a stage, with channels and strides, as detectors and segmenters
ask for them.
Non-goals: running the network (the backends).
"""

from collections.abc import Iterator
from typing import NamedTuple

from nasdsl.network.graph import IMAGE, Module, NetworkGraph, Ref


class Stage(NamedTuple):
    """The last module of one resolution.

    Attributes:
        module: its name.
        states: what it passes on; several where its cell ends in `output each`.
        channels: of all of them together.
        stride: image pixels to one pixel of the map, both ways.
    """

    module: str
    states: tuple[Ref, ...]
    channels: int
    stride: int


def stages(graph: NetworkGraph) -> tuple[Stage, ...]:
    """The stages on the way to the classifier, the largest map first."""
    strides = strides_of(graph)
    last: dict[int, Stage] = {}
    for module in _on_the_way(graph):
        channels = sum(shape.channels for shape in module.body.output_shapes)
        stride = strides[module.outputs[-1]]
        last[stride] = Stage(module.name, module.outputs, channels, stride)
    return tuple(last[stride] for stride in sorted(last))


def strides_of(graph: NetworkGraph) -> dict[Ref, int]:
    """Image pixels to one pixel of each state on the way to the classifier."""
    strides: dict[Ref, int] = {IMAGE: 1}
    for module in _on_the_way(graph):
        names = [port.name for port in module.body.ports]
        inner = {name: strides[ref] for name, ref in zip(names, module.inputs, strict=True)}
        for node in module.body.nodes:
            # States have one stride where they meet, unless an image is so small that maps of two
            # strides have one size.
            inner[node.name] = max(inner[name] for name in node.inputs) * node.stride[0]
        strides.update((Ref(module.name, name), inner[name]) for name in module.body.outputs)
    return strides


def _on_the_way(graph: NetworkGraph) -> Iterator[Module]:
    for module in graph.modules:
        if module.role not in ("head", "auxiliary") and not module.for_auxiliary:
            yield module
