"""Backbones: networks as torchvision's detectors want them.

Purpose: `backbone`, and the `Backbone` that it makes: images in, an ordered dictionary of maps
out. torchvision's `IntermediateLayerGetter` and `BackboneWithFPN` call children one after another,
and so cannot carry cells with two inputs.
Non-goals: detectors (`nasdsl.detection.detector`).
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from nasdsl.api.compile import compile
from nasdsl.api.trained import WeightsFile
from nasdsl.detection.styles import PYRAMID_STAGES
from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.network.graph import IMAGE
from nasdsl.network.stages import Stage, stages
from nasdsl.train.starting import StartingWeights
from nasdsl.values import Values, shown, typed

_CHANNELS = Values(int, minimum=1, maximum=1_000_000)


class NetworkPart(nn.Module):
    """A part of a network, whose batch norms may keep their statistics.

    Attributes:
        body: the part.
        frozen_norm: whether they do; see `backbone`.
    """

    body: Any
    frozen_norm: bool

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation; statistics that are frozen stay as they are in both."""
        super().train(mode)
        if self.frozen_norm:
            freeze_statistics(self.body)
        return self


class Backbone(NetworkPart):
    """The maps of some stages of a network, each after a ReLU; with `pyramid`, those made of them.

    Args:
        network: what `nasdsl.compile` made without the pass `hoist`; the layers are its own.
        chosen: the stages, the largest map first.
        frozen_norm: see `backbone`.
        pyramid: channels of a feature pyramid's maps; None goes without one.

    Attributes:
        out_channels: of every map, or of each where they differ: a number, as torchvision's
            detectors expect it, or a list.
        strides: image pixels to one pixel of each map.
    """

    def __init__(
        self,
        network: Any,
        chosen: Sequence[Stage],
        frozen_norm: bool = True,
        pyramid: int | None = None,
    ) -> None:
        super().__init__()
        self.frozen_norm = frozen_norm
        refs = [ref for stage in chosen for ref in stage.states]
        self.body = network.section([IMAGE], refs)
        self._states = [len(stage.states) for stage in chosen]
        channels = [stage.channels for stage in chosen]
        self.strides = [stage.stride for stage in chosen]
        self.pyramid: nn.Module | None = None
        self.out_channels: int | list[int] = channels[0] if len(channels) == 1 else channels
        if pyramid is not None:
            self.pyramid = FeaturePyramidNetwork(channels, pyramid, LastLevelMaxPool())
            self.out_channels = pyramid
            self.strides.append(2 * self.strides[-1])
        self.train(network.training)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, C, H, W) to maps (B, c, h, w) called "0", "1", ..., the largest first.

        The map that a pyramid adds is called "pool".
        """
        states = list(self.body(images))
        maps: OrderedDict[str, Tensor] = OrderedDict()
        for place, count in enumerate(self._states):
            maps[str(place)] = F.relu(joined(states[:count]))
            del states[:count]
        if self.pyramid is not None:
            maps = self.pyramid(maps)
        return maps

    def set_progress(self, progress: float) -> None:
        """Say how far training is, for ScheduledDropPath: steps taken / steps in all."""
        self.body.set_progress(progress)


@typed
def backbone(
    source: NameOrPath | Genotype,
    *,
    levels: int | Sequence[int] | None = None,
    frozen_norm: bool = True,
    pyramid: int | None = None,
    ops: str | None = None,
    weights: WeightsFile | None = None,
    **settings: Any,
) -> Backbone:
    """A network's stages as the backbone of a detector.

        maps = backbone("nasnet_a_mobile", levels=[-1])
        detector = torchvision.models.detection.FasterRCNN(maps, 91, anchors, pool)

    Args:
        source: cells, as `nasdsl.compile` takes them; a model file brings its weights along.
        levels: which stages: how many of the last, or a list of their places, as in timm; None
            takes the last four, or all where there are fewer.
        frozen_norm: whether batch norm always uses the moving statistics that it has, as released
            detectors do; its scales and shifts are trained all the same, as theirs are.
        pyramid: channels of a feature pyramid on top (`torchvision.ops.FeaturePyramidNetwork`),
            with one map more; None goes without.
        ops: another vocabulary of the library for the same cells.
        weights: a file of weights of the whole network, whose classifier is left out.
        **settings: as for `nasdsl.compile`.

    Raises:
        CellError: NAS951 for stages that there are not; as `nasdsl.compile` does.
    """
    if pyramid is not None and _CHANNELS.legal(pyramid) is None:
        raise cell_error("NAS951", f"pyramid is {_CHANNELS.description}, not {shown(pyramid)}")
    network = compiled(source, ops, weights, settings)
    found = stages(network.graph)
    chosen = [found[place] for place in _places(levels, len(found))]
    return Backbone(network, chosen, frozen_norm, pyramid)


def compiled(
    source: NameOrPath | Genotype,
    ops: str | None,
    weights: WeightsFile | None,
    settings: dict[str, Any],
) -> Any:
    """A network whose states are the skeleton's: no ReLU has moved to where a state is made."""
    network = compile(source, ops=ops, passes=["merge"], **settings)
    if weights is not None:
        # A detector has no classifier, so the file may be of a network with any classes.
        file = os.fspath(weights.path)
        StartingWeights(file, weights.layout, reset_classifier=True).load_into(network)
    return network


def joined(states: Sequence[Tensor]) -> Tensor:
    """States of one size, concatenated over their channels."""
    return states[0] if len(states) == 1 else torch.cat(tuple(states), 1)


def freeze_statistics(module: nn.Module) -> None:
    """Let every batch norm below use its moving statistics and leave them as they are."""
    for layer in _norms(module):
        layer.eval()


def _norms(module: nn.Module) -> Iterable[nn.Module]:
    return (each for each in module.modules() if isinstance(each, nn.BatchNorm2d))


def _places(levels: object, count: int) -> list[int]:
    """The places of the stages that are asked for, rising."""
    if levels is None:
        return list(range(count))[-PYRAMID_STAGES:]
    if isinstance(levels, int) and not isinstance(levels, bool) and 0 < levels <= count:
        return list(range(count - levels, count))
    if isinstance(levels, list | tuple | range) and levels:
        places = [n for n in levels if type(n) is int and -count <= n < count]
        rising = sorted({place % count for place in places})
        if len(rising) == len(levels):
            return rising
    raise cell_error(
        "NAS951",
        f"levels is a number of stages or a list of their places, not {shown(levels)}",
        f"the network has {count} stages, 0 to {count - 1}",
    )
