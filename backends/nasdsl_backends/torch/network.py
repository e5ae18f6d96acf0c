"""`Network`: the whole network as a `torch.nn.Module`.

Purpose: call the graph's modules in order, and offer what people know from timm and
torchvision.
Non-goals: what happens within a module (`program`), loading weights (`nasdsl.weights`).

Parameters are called `<module>.<node>.<weight | bias | running_mean | ...>`, after the names
of the graph: `stem.conv.weight`, `stem_cells.0.input0.1.weight`, `cells.7.b0.left.1.weight`,
`head.linear.bias`, `auxiliary.conv0.weight`. A factorized reduction has `.conv0.weight` and
`.conv1.weight`. The names follow from positions and do not change between releases.
"""

import json
import warnings
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, NoReturn, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Proxy

from nasdsl.documents import json_value
from nasdsl.errors import cell_error
from nasdsl.language.genotype.settings import RULES
from nasdsl.memory import require_room
from nasdsl.network.cost import graph_cost
from nasdsl.network.graph import Module, NetworkGraph, Ref
from nasdsl.network.section import before_pool, section
from nasdsl.network.stages import stages
from nasdsl.passes import activated
from nasdsl.values import Values, shown
from nasdsl_backends.torch.build_options import DropPathMode, build_options
from nasdsl_backends.torch.classifier import linear_of, with_classes
from nasdsl_backends.torch.emission import Target
from nasdsl_backends.torch.initialise import draw_weights
from nasdsl_backends.torch.layers import mean
from nasdsl_backends.torch.maker import LayerMaker, Maker
from nasdsl_backends.torch.module import Drop, GraphModule, drop_at, register, run
from nasdsl_backends.torch.program import Program, program_of
from nasdsl_backends.torch.schedule import scheduled, slots_of
from nasdsl_backends.torch.section import SectionNetwork

_SHARES = Values(float, minimum=0)
_CLASSES = replace(RULES["classes"].values, minimum=0)
_PROBABILITIES = Values(float, minimum=0, maximum=1, below_maximum=True)


def _stage_places(indices: object, count: int) -> list[int]:
    """The places of the stages that are asked for, among `count`.

    Raises:
        CellError: NAS502.
    """
    if indices is None:
        return list(range(count))
    if isinstance(indices, int) and not isinstance(indices, bool) and 0 < indices <= count:
        return list(range(count - indices, count))
    if isinstance(indices, Sequence | range) and not isinstance(indices, str | bytes) and indices:
        places = [each for each in indices if isinstance(each, int) and -count <= each < count]
        if len(places) == len(indices):
            return [place % count for place in places]
    raise cell_error(
        "NAS502",
        f"indices is a number of stages or a list of their places, not {shown(indices)}",
        f"the network has {count} stages, 0 to {count - 1}",
    )


class NetworkOutputs(NamedTuple):
    """What a network with an auxiliary classifier gives in training; each (B, classes)."""

    logits: Tensor
    aux_logits: Tensor


class Network(nn.Module):
    """The network of a graph, trainable.

    Takes images (B, input_channels, H, W) of any size the stem can hold (the auxiliary
    classifier alone needs the size it was built for) and gives logits (B, num_classes); in
    training with an auxiliary classifier, `NetworkOutputs`.

    Args:
        graph: what to build, after any passes.
        device: where; `meta` makes parameters without values, in a fraction of a second.
        dtype: of parameters and moving statistics; also by its name, `bfloat16`.
        seed: draws the initial weights independently of PyTorch's global generator.
        drop_path_mode: `scheduled` drops a path with the skeleton's drop_path, scaled by the
            cell's depth (where the skeleton has that) and by the training progress, see
            `set_progress`; `plain` with drop_path everywhere, all the time.
        maker: makes the layers, in place of new ones: theirs are the weights, and none is drawn.

    Attributes:
        graph: what was built: before any pass, or after those for inference where they made
            a network that only evaluates.
        num_classes: the width of the last layer; 0 without classifier.
        num_features: channels the classifier reads.
        feature_info: for each stage, the largest map first, a dictionary of `num_chs`
            (channels), `reduction` (image pixels to one pixel of the map) and `module`.
        progress: a buffer: how far training is, from 0 to 1.
    """

    progress: Tensor
    head: GraphModule

    def __init__(
        self,
        graph: NetworkGraph,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | str | None = None,
        seed: int | None = None,
        drop_path_mode: DropPathMode = "scheduled",
        maker: Maker | None = None,
    ) -> None:
        super().__init__()
        device, dtype, seed, drop_path_mode = build_options(device, dtype, seed, drop_path_mode)
        self.graph = graph if graph.inference else graph.plain
        self.drop_path_mode = drop_path_mode
        self.num_classes = graph.configuration.classes
        if maker is None and device.type == "cpu":
            cost = graph_cost(graph)
            count = cost.params_total + cost.auxiliary_params
            require_room(count * (dtype or torch.float32).itemsize)
        self._stack(graph, maker or LayerMaker(Target(graph.configuration, device, dtype)))
        self.register_buffer("progress", torch.zeros((), device=device))
        if maker is None:
            draw_weights(self, graph.configuration.name, seed)
        if graph.inference:
            self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> "Network":
        """Set training or evaluation, as `torch.nn.Module.train` does.

        Raises:
            CellError: NAS709, the network was optimised and can only be evaluated.
        """
        if mode and self.graph.inference:
            raise cell_error(
                "NAS709",
                f"`{self.graph.name}` has been optimised and can only be evaluated",
                "train the network that it was made from, then call `nasdsl.optimize` again",
            )
        return super().train(mode)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What notebooks show: text, and the picture where Graphviz is installed."""
        return self.graph._repr_mimebundle_(include, exclude)

    def _stack(self, graph: NetworkGraph, maker: Maker) -> None:
        self._running = graph
        for module in graph.modules:
            if module.role != "head":
                layer = self._module(module, maker, program_of(module.body))
                register(self, module.name.split("."), layer, nn.ModuleList)
        head = graph.module("head")
        assert head is not None, "every network has a head"
        before, after = before_pool(head.body)
        self.num_features = after.ports[0].shape.channels
        self._join = program_of(before)
        # It owns the layers before the pool too, where a skeleton has some there.
        self.head = self._module(head, maker, program_of(after))
        slots = slots_of(graph)
        self._slots = len(slots)
        self._calls = scheduled(graph, slots, with_auxiliary=False)
        self._head_slots = tuple(slots[ref] for ref in head.inputs)
        auxiliary = graph.auxiliary_logits
        self._auxiliary_slot = slots[auxiliary] if auxiliary else 0
        self._training_calls = (
            scheduled(graph, slots, with_auxiliary=True) if auxiliary else self._calls
        )

    def _module(self, module: Module, maker: Maker, program: Program) -> GraphModule:
        """A module of the network with its layers."""
        return GraphModule(module.body, maker.within(module.name), program)

    # The member of a super-network is built in every step, and nobody asks it for its stages.
    @cached_property
    def feature_info(self) -> list[dict[str, Any]]:
        """The stages, as timm describes them."""
        return [
            {"num_chs": stage.channels, "reduction": stage.stride, "module": stage.module}
            for stage in stages(self.graph)
        ]

    @cached_property
    def _stage_slots(self) -> list[list[int]]:
        slots = slots_of(self._running)
        return [
            [slots[ref] if ref in slots else slots[activated(ref)] for ref in stage.states]
            for stage in stages(self.graph)
        ]

    # -- running ------------------------------------------------------------------------

    def forward(self, x: Tensor) -> Tensor | NetworkOutputs:
        """(B, input_channels, H, W) to logits (B, num_classes), or both logits.

        Raises:
            ValueError: the auxiliary classifier is for images of another size.
        """
        with_auxiliary = self.training and self._auxiliary_slot > 0
        is_traced = isinstance(x, Proxy)
        if with_auxiliary and not is_traced and x.shape[-2:] != self.graph.image[1:]:
            size = self.graph.configuration.image_size
            raise ValueError(
                f"the auxiliary classifier is for images of {size}x{size}, not "
                f"{x.shape[-2]}x{x.shape[-1]}; compile the network with that image_size"
            )
        values = self._run(x, with_auxiliary)
        logits = self.forward_head(self._last_map(values))
        return NetworkOutputs(logits, values[self._auxiliary_slot]) if with_auxiliary else logits

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, input_channels, H, W) to the last map, (B, num_features, h, w).

        It is what the head pools: after a ReLU in the skeletons `nasnet` and `pnasnet`, after batch
        norm and ReLU in `nasbench201`.
        """
        return self._last_map(self._run(x))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The last map to logits, or with `pre_logits` to (B, num_features)."""
        if not pre_logits:
            (logits,) = self.head(x)
            return cast("Tensor", logits)
        dropout = self.head._modules.get("dropout")
        pooled = mean(x)
        return pooled if dropout is None else dropout(pooled)

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """The last map, and the maps of the stages, each after a ReLU; as in timm.

        Args:
            x: (B, input_channels, H, W).
            indices: which stages of `feature_info`; the last n of them where it is one
                number, all where it is None.
            norm: give the last stage's map as the head reads it, which is after batch norm too
                where the skeleton has one there (`nasbench201`).
            stop_early: compute nothing after the stages that are chosen; where the last stage is
                not among them, the last map is that of the deepest that is.
            output_fmt: `NCHW` or `NHWC`, of the stages' maps.
            intermediates_only: leave the last map out.

        Raises:
            CellError: NAS502, there are fewer stages, or no such format.
        """
        count = len(self._stage_slots)
        places = _stage_places(indices, count)
        if output_fmt not in ("NCHW", "NHWC"):
            text = f"output_fmt is `NCHW` or `NHWC`, not {shown(output_fmt)}"
            raise cell_error("NAS502", text)
        last = count - 1
        stops = stop_early and last not in places
        wanted = {slot for place in places for slot in self._stage_slots[place]}
        values = self._run(x, wanted=wanted, stop_early=stops)
        maps = [
            self._last_map(values) if norm and place == last else self._stage_map(values, place)
            for place in places
        ]
        shaped = [made.permute(0, 2, 3, 1) for made in maps] if output_fmt == "NHWC" else maps
        if intermediates_only:
            return shaped
        return (maps[places.index(max(places))] if stops else self._last_map(values)), shaped

    def _stage_map(self, values: Sequence[Any], place: int) -> Tensor:
        states = [values[slot] for slot in self._stage_slots[place]]
        return F.relu(states[0] if len(states) == 1 else torch.cat(states, 1))

    def features(self, x: Tensor) -> list[Tensor]:
        """The maps of all stages, see `feature_info`."""
        maps = self.forward_intermediates(x, intermediates_only=True)
        assert isinstance(maps, list)
        return maps

    def _run(
        self,
        x: Tensor,
        with_auxiliary: bool = False,
        wanted: Collection[int] = (),
        stop_early: bool = False,
    ) -> list[Any]:
        """Every state that the head, the auxiliary classifier or `wanted` asks for.

        With `stop_early`, those that `wanted` asks for alone.
        """
        values: list[Any] = [None] * self._slots
        values[0] = x
        calls = self._training_calls if with_auxiliary else self._calls
        for path, inputs, outputs, frees, depth in calls:
            module: nn.Module = self
            for name in path:
                module = module._modules[name]  # type: ignore[assignment]
            made = module(*[values[slot] for slot in inputs], drop=self._drop(depth))
            for slot in frees:
                if slot not in wanted:
                    values[slot] = None
            for slot, value in zip(outputs, made, strict=True):
                values[slot] = value
            if stop_early and all(values[slot] is not None for slot in wanted):
                break
        return values

    def _last_map(self, values: Sequence[Any]) -> Tensor:
        (x,) = run(self._join, self.head, [values[slot] for slot in self._head_slots])
        return x

    # -- ScheduledDropPath --------------------------------------------------------------

    def set_progress(self, progress: float) -> None:
        """Say how far training is: steps taken / steps in all. One call a step.

        Until it is called nothing is dropped in the mode `scheduled`. The value is part of
        the state that `state_dict` gives.

        Raises:
            CellError: NAS502, it is no number of at least 0.
        """
        share = None if isinstance(progress, str) else _SHARES.legal(progress)  # type: ignore[redundant-expr, unreachable]
        if share is None:
            text = f"progress is {_SHARES.description}, not {shown(progress)}"
            raise cell_error("NAS502", text, "it is the steps taken by the steps in all")
        self.progress.fill_(min(share, 1.0))

    @property
    def drop_path_prob(self) -> float:
        """How likely a path is dropped at present, in cells that drop as many as any.

        Training scripts for DARTS set it once an epoch; here that is another way to say how far
        training is (`set_progress`).
        """
        rate = self.graph.configuration.drop_path
        return rate if self.drop_path_mode == "plain" else rate * float(self.progress)

    @drop_path_prob.setter
    def drop_path_prob(self, probability: float) -> None:
        number = _PROBABILITIES.legal(probability)
        if number is None:
            text = f"drop_path_prob is {_PROBABILITIES.description}, not {shown(probability)}"
            raise cell_error("NAS502", text)
        rate = self.graph.configuration.drop_path
        if rate and self.drop_path_mode == "scheduled":
            self.progress.fill_(number / rate)
        elif number != self.drop_path_prob:
            warnings.warn(
                f"`{self.graph.name}` keeps dropping paths with probability {rate:g}; one that is "
                "compiled with drop_path and drop_path_mode='scheduled' heeds drop_path_prob",
                stacklevel=2,
            )

    def _drop(self, depth: float) -> Drop | None:
        if not self.training:
            return None
        rate, is_plain = self.graph.configuration.drop_path, self.drop_path_mode == "plain"
        return drop_at(depth, rate, is_plain, self.progress)

    # -- parts --------------------------------------------------------------------------

    def section(self, inputs: Sequence[Ref], outputs: Sequence[Ref]) -> SectionNetwork:
        """The part of the network that leads from some states to others, with these weights.

        It shares its layers with the network, under the same names. See
        `nasdsl.network.section.section`; the states are those of the graph as it runs, so a
        network that was compiled without the pass `hoist` has those of the skeleton.
        """
        part = section(self._running, inputs, outputs)
        rate, is_plain = self.graph.configuration.drop_path, self.drop_path_mode == "plain"
        return SectionNetwork(part, self, rate, is_plain)

    # -- classifier ---------------------------------------------------------------------

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.head.get_submodule("linear")

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the last layer, and that of the auxiliary classifier, by untrained ones.

        Args:
            num_classes: their width; 0 takes them away, and the network gives
                (B, num_features) in place of logits.

        Raises:
            CellError: NAS502, no network has that many classes; NAS709, the network was optimised.
        """
        number = None if isinstance(num_classes, str) else _CLASSES.legal(num_classes)  # type: ignore[redundant-expr, unreachable]
        if number is None:
            text = f"num_classes is {_CLASSES.description}, not {shown(num_classes)}"
            raise cell_error("NAS502", text)
        num_classes = number
        if self.graph.inference:
            raise cell_error(
                "NAS709",
                f"`{self.graph.name}` has been optimised and keeps its classifier",
                "give another to the network that it was made from, and optimise that",
            )
        graph = with_classes(self.graph, num_classes) if num_classes else self.graph
        for module in graph.modules:
            if module.role in ("head", "auxiliary"):
                self._put_classifier(module, num_classes)
        self.graph, self.num_classes = graph, num_classes
        self._forget_names()

    def _forget_names(self) -> None:
        """What the classes of an earlier classifier are called says nothing about the new ones."""
        said = getattr(self, "image_metadata", None)
        with suppress(ValueError, TypeError):  # damaged, or not there
            self.image_metadata = json.dumps({**json_value(cast("str", said)), "classes": []})

    def _put_classifier(self, module: Module, num_classes: int) -> None:
        layer: nn.Module = nn.Flatten(1)
        if num_classes:
            like = next(self.parameters())
            target = Target(self.graph.configuration, like.device, like.dtype)
            layer = LayerMaker(target).layer(linear_of(module)) or layer
            draw_weights(layer, self.graph.configuration.name, None)
        self.get_submodule(module.name).add_module("linear", layer.train(self.training))

    # -- weights ------------------------------------------------------------------------

    def reset_parameters(self, seed: int | None = None) -> None:
        """Draw all weights anew, as the released code does; reset statistics and progress.

        Args:
            seed: where it is None, PyTorch's global generator draws.
        """
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._NormBase | nn.GroupNorm):
                module.reset_parameters()
        draw_weights(self, self.graph.configuration.name, seed)
        self.progress.zero_()

    def __prepare_scriptable__(self) -> NoReturn:
        """What `torch.jit.script` asks for: the network is not written in its language.

        Raises:
            CellError: NAS708.
        """
        raise cell_error(
            "NAS708",
            f"`{self.graph.name}` cannot be compiled by torch.jit.script",
            "`nasdsl.export.write(net, 'model.pt2')` writes a program that runs without nasdsl",
            "`torch.jit.trace(net.eval(), images)` records it for images of one size",
        )

    def extra_repr(self) -> str:
        """The network in a line."""
        chosen = self.graph.configuration
        return (
            f"{self.graph.name}, {chosen.size}, "
            f"{chosen.name} skeleton, {chosen.stem} stem, {chosen.image_size} px, "
            f"num_classes={self.num_classes}, drop_path={chosen.drop_path:g}"
        )
