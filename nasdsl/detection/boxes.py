"""The second stage of the style `paper`: crops, the rest of the network, and what it says of boxes.

Purpose: TensorFlow's `crop_and_resize`, the box head that begins where the backbone ends, and the
losses of `meta_architectures/faster_rcnn_meta_arch.py` (tensorflow/models, object_detection).
Non-goals: what is as in torchvision's `RoIHeads`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads

from nasdsl.detection.backbone import NetworkPart
from nasdsl.detection.plan import DetectorPlan
from nasdsl.detection.proposals import BOX_CODE
from nasdsl.network.section import last_map


class Crops(nn.Module):
    """TensorFlow's `crop_and_resize`: `size` x `size` samples of the map in each box, bilinear.

    The first and the last sample lie on the edges of the box, whose place in the map is its place
    in the image times (h - 1) / H. torchvision's `roi_align` averages over bins instead.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(
        self, maps: Mapping[str, Tensor], boxes: Sequence[Tensor], sizes: Sequence[Any]
    ) -> Tensor:
        """Crops (boxes of all images, C, size, size).

        Args:
            maps: one map (B, C, h, w).
            boxes: of each image, (n, 4): x1, y1, x2, y2 in its pixels.
            sizes: height and width of each image.
        """
        (features,) = maps.values()
        made = [
            self.of_image(features[place : place + 1], each, size)
            for place, (each, size) in enumerate(zip(boxes, sizes, strict=True))
        ]
        return torch.cat(made)

    def of_image(self, features: Tensor, boxes: Tensor, size: Any) -> Tensor:
        """Crops (n, C, size, size) of one map (1, C, h, w)."""
        height, width = size
        steps = torch.linspace(0, 1, self.size, dtype=boxes.dtype, device=boxes.device)
        # From 0 at the first pixel to 1 at the last; grid_sample counts from -1.
        x = (boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * steps) / width
        y = (boxes[:, 1:2] + (boxes[:, 3:] - boxes[:, 1:2]) * steps) / height
        shape = (-1, self.size, self.size)
        grid = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], -1)
        rows = (2 * grid - 1).reshape(1, -1, self.size, 2).to(features.dtype)
        found = F.grid_sample(features, rows, align_corners=True)
        crops = found.reshape(features.shape[1], -1, self.size, self.size)
        return crops.transpose(0, 1)


class BoxHead(NetworkPart):
    """From crops to what the network's classifier would pool.

    Args:
        network: see `Backbone`.
        plan: of the detector.
        frozen_norm: whether batch norm keeps its statistics.
    """

    def __init__(self, network: Any, plan: DetectorPlan, frozen_norm: bool) -> None:
        super().__init__()
        self.frozen_norm, self.widths = frozen_norm, plan.widths
        self.body = network.section(plan.features, [last_map(network.graph)])
        self.train(network.training)

    def features(self, crops: Tensor) -> Tensor:
        """(n, C, size, size) to the last map (n, c, h, w), after ReLU."""
        (made,) = self.body(*torch.split(crops, list(self.widths), 1))
        features: Tensor = made
        return features

    def forward(self, crops: Tensor) -> Tensor:
        """(n, C, size, size) to (n, c): the mean of the last map."""
        return self.features(crops).mean((2, 3))


class Boxes(RoIHeads):  # type: ignore[misc]
    """Classes and places of proposals."""

    def __init__(self, plan: DetectorPlan, head: nn.Module) -> None:
        numbers = plan.numbers
        predictor = FastRCNNPredictor(plan.box_features, plan.classes)
        for layer in (predictor.cls_score, predictor.bbox_pred):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        super().__init__(
            Crops(numbers.crop),
            head,
            predictor,
            0.5,
            0.5,
            numbers.training_boxes,
            0.25,
            BOX_CODE,
            numbers.score,
            numbers.overlap,
            100,
        )
        self.box_loss = numbers.box_loss

    def add_gt_proposals(self, proposals: list[Tensor], gt_boxes: list[Tensor]) -> list[Tensor]:
        """TensorFlow trains on what was proposed alone; where nothing was, on the objects."""
        pairs = zip(proposals, gt_boxes, strict=True)
        return [proposed if len(proposed) else boxes for proposed, boxes in pairs]

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Detections, or in training losses; as torchvision's."""
        if not self.training:
            made: tuple[list[dict[str, Tensor]], dict[str, Tensor]] = super().forward(
                features, proposals, image_shapes, targets
            )
            return made
        proposals, _, labels, aims = self.select_training_samples(proposals, targets)
        crops = self.box_roi_pool(features, proposals, image_shapes)
        logits, boxes = self.box_predictor(self.box_head(crops))
        every, aim = torch.cat(labels), torch.cat(aims)
        count = max(every.numel(), 1)
        positive = torch.where(every > 0)[0]
        chosen = boxes.reshape(len(every), -1, 4)[positive, every[positive]]
        of_boxes = F.smooth_l1_loss(chosen, aim[positive], reduction="sum")
        return [], {
            "loss_classifier": F.cross_entropy(logits, every, reduction="sum") / count,
            "loss_box_reg": self.box_loss * of_boxes / count,
        }
