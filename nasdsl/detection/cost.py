"""The cost of a detector: parameters and mult-adds, in all and by part, without building it.

Purpose: what `nasdsl cost --detector` reports. Everything that every proposal passes through is
counted once for each proposal.
Non-goals: what has no multiply-adds of convolutions and fully connected layers: cutting out crops,
suppressing boxes; measured time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from nasdsl.detection.plan import DetectorPlan, crop_graph
from nasdsl.detection.styles import BOX_FEATURES, PYRAMID
from nasdsl.network import layers
from nasdsl.network.cost import NodeCounts, graph_cost, node_count, total
from nasdsl.network.graph import IMAGE, Shape
from nasdsl.network.section import last_map, section, state_shapes
from nasdsl.network.stack import linear
from nasdsl.primitives import Node
from nasdsl.values import typed


class StageCost(NamedTuple):
    """A part of a detector.

    Attributes:
        name: `backbone`, `pyramid`, `proposal network`, `box head` or `box predictor`.
        each: of one image or, where `times` is more than one, of one proposal.
        times: how often it runs for an image.
    """

    name: str
    each: NodeCounts
    times: int = 1

    @property
    def params(self) -> int:
        """Trained parameters."""
        return self.each.params

    @property
    def mult_adds(self) -> int:
        """Multiply-adds for one image."""
        return self.each.mult_adds * self.times


@dataclass(frozen=True, slots=True)
class DetectorCost:
    """The cost of a detector for one square image.

    Attributes:
        image_size: pixels a side.
        proposals: boxes an image that reach the box head.
        stages: the parts, in the order in which they run.
    """

    image_size: int
    proposals: int
    stages: tuple[StageCost, ...]

    @property
    def params(self) -> int:
        """Trained parameters, batch norm's scales and shifts among them."""
        return sum(stage.each.params for stage in self.stages)

    @property
    def params_total(self) -> int:
        """Trained parameters, and batch norm's moving means and variances."""
        return self.params + sum(stage.each.statistics for stage in self.stages)

    @property
    def mult_adds(self) -> int:
        """Multiply-adds of convolutions and fully connected layers for one image."""
        return sum(stage.mult_adds for stage in self.stages)


@typed
def detector_cost(plan: DetectorPlan) -> DetectorCost:
    """What a detector costs for a square image of the plan's size, 800 pixels where it has none.

    `plan.graph` is the network at that size; torchvision pads images of the style `fpn` to
    multiples of 32 pixels, and what it pads is not counted.
    """
    graph, shapes = plan.graph, state_shapes(plan.graph)
    trunk = graph_cost(graph.with_modules(section(graph, [IMAGE], plan.features).modules))
    stages = [StageCost("backbone", trunk.count)]
    if plan.style == "fpn":
        stages += _pyramid(plan, [_joined(shapes[ref] for ref in s.states) for s in plan.stages])
        crop = plan.numbers.crop
        flat = Shape(PYRAMID * crop * crop, 1, 1)
        wide = Shape(BOX_FEATURES, 1, 1)
        head = _count([linear(flat, BOX_FEATURES), linear(wide, BOX_FEATURES)])
    else:
        maps = [_joined(shapes[ref] for ref in plan.features)]
        stages.append(StageCost("proposal network", _proposal_network(plan, maps)))
        crops = crop_graph(plan)
        part = section(crops, plan.features, [last_map(crops)])
        head = total(each.count for each in graph_cost(crops.with_modules(part.modules)).modules)
    features = Shape(plan.box_features, 1, 1)
    predictor = _count([linear(features, plan.classes), linear(features, 4 * plan.classes)])
    boxes = plan.numbers.proposals
    stages += [StageCost("box head", head, boxes), StageCost("box predictor", predictor, boxes)]
    return DetectorCost(graph.image.height, boxes, tuple(stages))


def _pyramid(plan: DetectorPlan, maps: list[Shape]) -> list[StageCost]:
    inner = [layers.convolution(shape, PYRAMID)._replace(bias=True) for shape in maps]
    outer = [layers.convolution(node.shape, PYRAMID, (3, 3))._replace(bias=True) for node in inner]
    made = [node.shape for node in outer]
    smallest = made[-1]
    halved = Shape(PYRAMID, -(-smallest.height // 2), -(-smallest.width // 2))
    proposing = _proposal_network(plan, [*made, halved])
    return [
        StageCost("pyramid", _count([*inner, *outer])),
        StageCost("proposal network", proposing),
    ]


def _proposal_network(plan: DetectorPlan, maps: list[Shape]) -> NodeCounts:
    """One network for all maps: its parameters count once."""
    numbers = plan.numbers
    anchors = 3 * len(numbers.anchor_sizes[0])
    counts = []
    for shape in maps:
        width = numbers.proposal_channels or shape.channels
        conv = layers.convolution(shape, width, (3, 3))._replace(bias=True)
        heads = [
            layers.convolution(conv.shape, anchors * each)._replace(bias=True) for each in (1, 4)
        ]
        counts.append(_count([conv, *heads]))
    every = total(counts)
    return every._replace(params=counts[0].params)


def _count(nodes: Iterable[Node]) -> NodeCounts:
    return total(node_count(node) for node in nodes)


def _joined(shapes: Iterable[Shape]) -> Shape:
    every = tuple(shapes)
    return Shape(sum(shape.channels for shape in every), every[0].height, every[0].width)
