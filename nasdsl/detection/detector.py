"""Detectors: Faster R-CNN on the features of a network.

Purpose: `faster_rcnn`, which builds a module with torchvision's interface from a `DetectorPlan`.
Non-goals: what a detector is made of (`nasdsl.detection.plan`), training it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign

from nasdsl.api.trained import WeightsFile
from nasdsl.detection.backbone import Backbone, NetworkPart, compiled, joined
from nasdsl.detection.boxes import Boxes, BoxHead
from nasdsl.detection.plan import DetectorPlan, plan_detector
from nasdsl.detection.proposals import ProposalNetwork
from nasdsl.detection.styles import BOX_FEATURES, PYRAMID
from nasdsl.errors import cell_error, listed, plural
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.network.graph import IMAGE
from nasdsl.values import typed

#: Pixels of the shorter and at most of the longer side, where images keep their proportions.
_SHORTER, _LONGER = 800, 1333
#: Images are brought from [0, 1] to [-1, 1].
_HALVES = [0.5, 0.5, 0.5]


class Trunk(NetworkPart):
    """The network up to its last reduction: the states that the rest reads, concatenated.

    Args:
        network: see `Backbone`.
        plan: of the detector.
        frozen_norm: whether batch norm keeps its statistics.

    Attributes:
        out_channels: of the map, as torchvision's detectors expect it.
    """

    def __init__(self, network: Any, plan: DetectorPlan, frozen_norm: bool) -> None:
        super().__init__()
        self.frozen_norm = frozen_norm
        self.body = network.section([IMAGE], plan.features)
        self.out_channels = sum(plan.widths)
        self.train(network.training)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, C, H, W) to one map, (B, out_channels, h, w)."""
        return OrderedDict({"0": joined(self.body(images))})


class Detector(GeneralizedRCNN):  # type: ignore[misc]
    """A Faster R-CNN on a network of cells, with torchvision's interface.

    In evaluation it takes a list of images (C, H, W) with values from 0 to 1, of any size, and
    gives for each a dictionary of `boxes` (n, 4; x1, y1, x2, y2 in pixels of the image), `labels`
    (n) and `scores` (n), the likeliest first. In training it takes targets too, with `boxes` and
    `labels` (from 1; 0 is the background), and gives a dictionary of losses.

    Attributes:
        plan: what it was made from.
    """

    def __init__(
        self, plan: DetectorPlan, backbone: nn.Module, proposals: nn.Module, boxes: nn.Module
    ) -> None:
        size = plan.image_size
        fixed = None if size is None else (size, size)
        transform = GeneralizedRCNNTransform(
            _SHORTER,
            _LONGER,
            _HALVES,
            _HALVES,
            size_divisible=32 if plan.style == "fpn" else 1,
            fixed_size=fixed,
        )
        super().__init__(backbone, proposals, boxes, transform)
        self.plan = plan

    def forward(self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Detections of each image; in training losses.

        Raises:
            CellError: NAS952, a target does not fit its image or the classes.
        """
        if targets is not None:
            require_fitting(images, targets, self.plan.classes)
        return super().forward(images, targets)

    def set_progress(self, progress: float) -> None:
        """Say how far training is, for ScheduledDropPath: steps taken / steps in all."""
        for module in self.modules():
            if module is not self and hasattr(module, "progress"):
                module.set_progress(progress)

    def extra_repr(self) -> str:
        """The detector in a line."""
        plan = self.plan
        return f"{plan.graph.name}, style={plan.style}, classes={plan.classes}"


def require_fitting(
    images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]], classes: int
) -> None:
    """Refuse boxes without an area or outside their image, and labels that are no class.

    Raises:
        CellError: NAS952, naming the first image of the batch with such a one.
    """
    if len(images) != len(targets):
        text = f"{plural(len(images), 'image')} came with {plural(len(targets), 'target')}"
        raise cell_error("NAS952", text, "give a target for each image; it may have no boxes")
    for place, (image, target) in enumerate(zip(images, targets, strict=True)):
        missing = [name for name in ("boxes", "labels") if name not in target]
        if missing:
            raise cell_error("NAS952", f"target {place} has no {listed(missing)}")
        boxes, labels = target["boxes"], target["labels"]
        if boxes.ndim != 2 or boxes.shape[1] != 4 or labels.shape != boxes.shape[:1]:
            shapes = f"{tuple(boxes.shape)} and {tuple(labels.shape)}"
            text = f"boxes and labels of target {place} have the shapes {shapes}"
            raise cell_error("NAS952", text, "n boxes are (n, 4), and their labels (n,)")
        height, width = image.shape[-2:]
        limits = boxes.new_tensor([width, height, width, height])
        outside = ((boxes < 0) | (boxes > limits) | ~boxes.isfinite()).any(1)
        empty = (boxes[:, 2:] <= boxes[:, :2]).any(1)
        wrong = (labels < 1) | (labels >= classes)
        for what, found in (("outside its image", outside), ("without an area", empty)):
            if bool(found.any()):
                box = [round(each, 2) for each in boxes[found][0].tolist()]
                text = f"target {place} has a box {what}: {box}; the image has {width} x {height}"
                raise cell_error("NAS952", text, "a box is x1, y1, x2, y2 in pixels")
        if bool(wrong.any()):
            label = int(labels[wrong][0])
            text = f"target {place} has the label {label}, and the detector {classes} classes"
            hint = f"labels are 1 to {classes - 1}; 0 is the background"
            raise cell_error("NAS952", text, hint)


@typed
def faster_rcnn(
    source: NameOrPath | Genotype,
    *,
    style: str = "paper",
    classes: int = 91,
    frozen_norm: bool = True,
    image_size: int | None = None,
    proposals: int | None = None,
    anchor_sizes: Sequence[int] | None = None,
    crop: int | None = None,
    training_boxes: int | None = None,
    weights: WeightsFile | None = None,
    ops: str | None = None,
    **settings: Any,
) -> Detector:
    """A Faster R-CNN on the features of a network.

    `paper` is that of the paper's section 4.3, as TensorFlow released it: proposals on the states
    that the last reduction reads (4032 channels at stride 16 for NASNet-A large), crops of 17 x 17,
    and the rest of the network, from that reduction on, as box head. `fpn` is torchvision's Faster
    R-CNN on a feature pyramid over the last four stages.

    Args:
        source: cells, as `nasdsl.compile` takes them; a model file brings its weights along.
        style: `paper` or `fpn`.
        classes: with the background, which is class 0: 91 for COCO's categories.
        frozen_norm: see `nasdsl.detection.backbone`.
        image_size: pixels a side of the square that images are brought to. None is 1200 in the
            style `paper`; in `fpn` images keep their proportions, with 800 pixels on the shorter
            side.
        proposals: boxes an image that reach the box head: None is 500, or 1000 in `fpn`.
        anchor_sizes: pixels a side of square anchors; in `fpn` one for each map, the largest map
            first.
        crop: pixels a side of what is cut out of the maps: None is 17, or 7 in `fpn`.
        training_boxes: boxes an image that the box head is trained on: None is 64, or 512 in
            `fpn`.
        weights: a file of weights of the whole network, such as a released checkpoint for ImageNet;
            its classifier is left out.
        ops: another vocabulary of the library for the same cells.
        **settings: network settings and options, as for `nasdsl.compile`.

    Raises:
        CellError: NAS950 and NAS951, there is no such detector; as `nasdsl.compile` does.
    """
    options = {name: settings.pop(name) for name in _OPTIONS if name in settings}
    plan = plan_detector(
        source,
        style=style,
        classes=classes,
        ops=ops,
        image_size=image_size,
        proposals=proposals,
        anchor_sizes=anchor_sizes,
        crop=crop,
        training_boxes=training_boxes,
        **settings,
    )
    network = compiled(
        source,
        ops,
        weights,
        {**settings, "auxiliary": False, "image_size": plan.graph.image.height, **options},
    )
    return assembled(plan, network, frozen_norm, options.get("seed"))


#: Options of the backend `torch`.
_OPTIONS = ("device", "dtype", "seed", "drop_path_mode")


def assembled(
    plan: DetectorPlan, network: Any, frozen_norm: bool = True, seed: int | None = None
) -> Detector:
    """The detector of a plan, with the layers of a network that was compiled without `hoist`.

    A seed decides the weights that the network does not bring, and leaves the caller's generator
    as it is.
    """
    if seed is not None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return assembled(plan, network, frozen_norm)
    numbers = plan.numbers
    if plan.style == "paper":
        head = BoxHead(network, plan, frozen_norm)
        detector = Detector(
            plan,
            Trunk(network, plan, frozen_norm),
            ProposalNetwork(plan),
            Boxes(plan, head),
        )
    else:
        features = Backbone(network, plan.stages, frozen_norm, PYRAMID)
        ratios = ((0.5, 1.0, 2.0),) * len(numbers.anchor_sizes)
        maps = [str(place) for place in range(len(plan.stages))]
        made = FasterRCNN(
            features,
            rpn_anchor_generator=AnchorGenerator(numbers.anchor_sizes, ratios),
            box_roi_pool=MultiScaleRoIAlign(maps, numbers.crop, 2),
            box_head=TwoMLPHead(PYRAMID * numbers.crop**2, BOX_FEATURES),
            box_predictor=FastRCNNPredictor(BOX_FEATURES, plan.classes),
            rpn_post_nms_top_n_test=numbers.proposals,
            box_batch_size_per_image=numbers.training_boxes,
        )
        detector = Detector(plan, features, made.rpn, made.roi_heads)
    like = next(network.parameters())
    detector.to(like.device, like.dtype).train(network.training)
    return detector
