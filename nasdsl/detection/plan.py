"""Planning a detector: what of a network it is made of, and every number, before anything is built.

Purpose: `plan_detector`, which whoever builds or counts a detector reads.
Non-goals: the numbers of a style (`nasdsl.detection.styles`), building a detector
(`nasdsl.detection.detector`), counting it (`nasdsl.detection.cost`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nasdsl.api.request import chosen_settings, keywords_of, source_network, unknown_keyword
from nasdsl.detection.styles import BOX_FEATURES, NUMBERS, PYRAMID_STAGES, DetectorNumbers
from nasdsl.errors import CellError, cell_error, listed, name_hints, plural
from nasdsl.language.genotype.settings import RULES, Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.network.graph import NetworkGraph, Ref
from nasdsl.network.section import state_shapes
from nasdsl.network.source import SourceNetwork
from nasdsl.network.stages import Stage, stages, strides_of
from nasdsl.values import Values, shown, typed

_NUMBERS: dict[str, Values] = {
    "classes": Values(int, minimum=2, maximum=100_000),
    "image_size": Values(int, minimum=1, maximum=16_384, unit="pixels"),
    "proposals": Values(int, minimum=1, maximum=1_000_000),
    "crop": Values(int, minimum=2, maximum=256, unit="pixels"),
    "training_boxes": Values(int, minimum=1, maximum=1_000_000),
}
_PIXELS = Values(int, minimum=1, maximum=16_384)


@dataclass(frozen=True, slots=True)
class DetectorPlan:
    """What a detector is made of, every value decided.

    Attributes:
        network: the cells and the configuration of the network around them.
        graph: its graph, for images of `image_size`.
        style: `paper` or `fpn`.
        classes: with the background, which is class 0.
        image_size: pixels a side that images are brought to; None as in `DetectorNumbers`.
        numbers: the rest.
        features: the states that the detector takes from the network, oldest first.
        stages: those whose maps a feature pyramid stands on; none in the style `paper`.
    """

    network: SourceNetwork
    graph: NetworkGraph
    style: str
    classes: int
    image_size: int | None
    numbers: DetectorNumbers
    features: tuple[Ref, ...]
    stages: tuple[Stage, ...] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each of the features."""
        shapes = state_shapes(self.graph)
        return tuple(shapes[ref].channels for ref in self.features)

    @property
    def box_features(self) -> int:
        """Channels that the box predictor reads."""
        if self.style == "fpn":
            return BOX_FEATURES
        shapes = state_shapes(self.graph)
        # A concatenation at most stands between the last states and what is pooled.
        head = self.graph.module("head")
        assert head is not None
        return sum(shapes[ref].channels for ref in head.inputs)


@typed
def plan_detector(
    source: NameOrPath | Genotype,
    *,
    style: str = "paper",
    classes: int = 91,
    ops: str | None = None,
    image_size: int | None = None,
    proposals: int | None = None,
    anchor_sizes: Sequence[int] | None = None,
    crop: int | None = None,
    training_boxes: int | None = None,
    **settings: object,
) -> DetectorPlan:
    """What a detector would be; nothing is built, and PyTorch is not needed.

    Args: as `nasdsl.detection.faster_rcnn` takes them.

    Raises:
        CellError: NAS950, the network cannot be divided so; NAS951, a style, a number or an option
            that no detector has; as `nasdsl.compile` does.
    """
    if style not in NUMBERS:
        hints = name_hints(style, NUMBERS, f"the styles are {listed(NUMBERS)}")
        raise cell_error("NAS951", f"no style of detector is called {style!r:.40}", *hints)
    numbers = NUMBERS[style]
    classes = _number("classes", classes, "the background is one of them")
    size = numbers.image_size if image_size is None else _number("image_size", image_size)
    given = {"proposals": proposals, "crop": crop, "training_boxes": training_boxes}
    chosen_numbers: dict[str, Any] = {
        name: _number(name, n) for name, n in given.items() if n is not None
    }
    numbers = replace(numbers, **chosen_numbers)
    chosen = _network_settings(settings)
    network = source_network(source, ops=ops, settings=chosen.override(_sized(size)))
    graph = network.graph()
    numbers = _with_anchors(numbers, anchor_sizes, style)
    if style == "paper":
        refs = features_before_last_reduction(graph)
        _require_larger(graph, strides_of(graph)[refs[-1]])
        return DetectorPlan(network, graph, style, classes, size, numbers, refs)
    found = stages(graph)[-PYRAMID_STAGES:]
    _require_larger(graph, found[-1].stride)
    refs = tuple(ref for stage in found for ref in stage.states)
    # One map more than there are stages: the smallest, halved.
    sizes = numbers.anchor_sizes[-len(found) - 1 :] if anchor_sizes is None else None
    if sizes is not None:
        numbers = replace(numbers, anchor_sizes=sizes)
    elif len(numbers.anchor_sizes) != len(found) + 1:
        raise cell_error(
            "NAS951",
            f"anchor_sizes has {plural(len(numbers.anchor_sizes), 'size')}, and the pyramid has "
            f"{len(found) + 1} maps",
            "give one size for each map, the largest map first",
        )
    return DetectorPlan(network, graph, style, classes, size, numbers, refs, found)


def features_before_last_reduction(graph: NetworkGraph) -> tuple[Ref, ...]:
    """The states that the rest of a network reads from its last reduction on, oldest first.

    In NASNet-A large those are the outputs of the last two cells before the second reduction, 2016
    channels each, which TensorFlow calls `Cell_10` and `Cell_11`; in PNASNet `Cell_6` and `Cell_7`.

    Raises:
        CellError: NAS950, no cell reduces, or those states have different sizes.
    """
    cells = [module for module in graph.modules if module.role == "cell"]
    striding = [index for index, module in enumerate(cells) if module.stride > 1]
    if not striding or striding[-1] == 0:
        raise cell_error(
            "NAS950",
            f"`{graph.name}` has no cell before a reduction, where a detector divides it",
            "style `fpn` takes the maps of all stages",
        )
    after = {module.name for module in cells[striding[-1] :]}
    made = {module.name for module in graph.modules} - after - {"head", "auxiliary"}
    reads = [ref for module in graph.modules if module.name in after for ref in module.inputs]
    head = graph.module("head")
    reads += head.inputs if head else ()
    order = [ref for module in graph.modules for ref in module.outputs]
    crossing = sorted({ref for ref in reads if ref.module in made}, key=order.index)
    shapes = state_shapes(graph)
    sizes = {ref: (shapes[ref].height, shapes[ref].width) for ref in crossing}
    if len(set(sizes.values())) > 1:
        said = [
            f"`{ref.module}` gives {height} x {width}" for ref, (height, width) in sizes.items()
        ]
        raise cell_error(
            "NAS950",
            f"the last reduction of `{graph.name}` and what follows read states of different sizes",
            " and ".join(said),
            "with more cells between reductions the sizes agree; style `fpn` takes any",
        )
    return tuple(crossing)


def crop_graph(plan: DetectorPlan) -> NetworkGraph:
    """The network at the size at which its features are as large as the crops.

    Its modules from the last reduction on are those of the box head, at the shapes they have there.
    """
    crop = plan.numbers.crop
    # A map grows with its image, so the size is found by bisection.
    least, most = 0, crop * strides_of(plan.graph)[plan.features[0]] + 16
    while most - least > 1:
        middle = (least + most) // 2
        graph = _at_size(plan, middle)
        enough = graph is not None and _height(graph, plan) >= crop
        least, most = (least, middle) if enough else (middle, most)
    found = _at_size(plan, most)
    assert found is not None, "some image has such a map"
    assert _height(found, plan) == crop, "maps grow by a pixel at a time"
    return found


def _at_size(plan: DetectorPlan, size: int) -> NetworkGraph | None:
    """The network for images of that size; None where it needs larger ones."""
    settings = plan.network.genotype.settings.override(_sized(size))
    try:
        return source_network(plan.network.genotype, settings=settings).graph()
    except CellError:
        return None


def _height(graph: NetworkGraph, plan: DetectorPlan) -> int:
    return state_shapes(graph)[plan.features[0]].height


def _require_larger(graph: NetworkGraph, stride: int) -> None:
    size = graph.image.height
    if size < stride:
        raise cell_error(
            "NAS951",
            f"images of {size} pixels are smaller than a pixel of the map, which is {stride} wide",
            f"image_size={16 * stride} leaves a map of 16 x 16",
        )


def _network_settings(settings: dict[str, object]) -> Settings:
    decided = {"auxiliary": "the box head takes the place of the classifiers"}
    for name, why in decided.items():
        if settings.get(name):
            raise cell_error("NAS951", f"a detector has no `{name}`", why)
    known = {name: value for name, value in settings.items() if name in RULES}
    unknown = [name for name in settings if name not in RULES]
    if unknown:
        options = ["weights", "frozen_norm", *keywords_of(plan_detector)]
        raise CellError(tuple(unknown_keyword(name, options) for name in unknown))
    return chosen_settings({**known, "auxiliary": False})


def _sized(size: int | None) -> Settings:
    # Any size does where images keep their proportions: maps have the size of their image.
    return Settings(image_size=size or 800)


def _number(name: str, value: object, *hints: str) -> int:
    found = None if isinstance(value, str) else _NUMBERS[name].legal(value)
    if found is None:
        what = _NUMBERS[name].description
        raise cell_error("NAS951", f"{name} is {what}, not {shown(value)}", *hints)
    number: int = found
    return number


def _with_anchors(numbers: DetectorNumbers, sizes: object, style: str) -> DetectorNumbers:
    if sizes is None:
        return numbers
    given = list(sizes) if isinstance(sizes, list | tuple | range) else []
    pixels = [_PIXELS.legal(size) for size in given if not isinstance(size, str)]
    if not given or len(pixels) < len(given) or None in pixels:
        raise cell_error("NAS951", f"anchor_sizes is a list of pixels, not {shown(sizes)}")
    each = (tuple(pixels),) if style == "paper" else tuple((size,) for size in pixels)
    return replace(numbers, anchor_sizes=each)
