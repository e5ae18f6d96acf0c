"""The proposal network of the style `paper`, as TensorFlow's object detection API has it.

Purpose: what differs from torchvision's: anchors that are not rounded, ReLU6, boxes coded with
(10, 10, 5, 5), the loss of boxes (Huber with delta 1, counted twice), and anchors that leave the
image, which training ignores.
Non-goals: what is alike: matching, sampling, suppression.

Sources: `meta_architectures/faster_rcnn_meta_arch.py`, `anchor_generators/grid_anchor_generator.py`
and `protos/faster_rcnn_box_coder.proto` of tensorflow/models, research/object_detection.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork

from nasdsl.detection.plan import DetectorPlan

#: How boxes are coded in both stages: offsets times 10, logarithms of sizes times 5.
BOX_CODE = (10.0, 10.0, 5.0, 5.0)
#: Height to width, in the order of TensorFlow's width to height of 0.5, 1 and 2.
_RATIOS = (2.0, 1.0, 0.5)
_ANCHORS_PER_IMAGE = 256


class Anchors(AnchorGenerator):  # type: ignore[misc]
    """Anchors of exact sizes, around the upper left corner of every pixel of the map."""

    def generate_anchors(
        self,
        scales: Sequence[float],
        aspect_ratios: Sequence[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """(anchors, 4): x1, y1, x2, y2 in pixels of the image."""
        sizes = torch.as_tensor(scales, dtype=dtype, device=device)
        roots = torch.as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        widths = (sizes / roots[:, None]).flatten()
        heights = (sizes * roots[:, None]).flatten()
        return torch.stack([-widths, -heights, widths, heights], 1) / 2


class ProposalHead(nn.Module):
    """For every anchor, whether something is there and where.

    Args:
        in_channels: of the map.
        channels: of the convolution over it.
        anchors: at each place.
    """

    def __init__(self, in_channels: int, channels: int, anchors: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.boxes = nn.Conv2d(channels, 4 * anchors, 1)
        for layer in (self.conv, self.objectness, self.boxes):
            nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Of each map (B, C, h, w): logits (B, anchors, h, w), boxes (B, 4 * anchors, h, w)."""
        hidden = [F.relu6(self.conv(each)) for each in maps]
        return [self.objectness(each) for each in hidden], [self.boxes(each) for each in hidden]


class ProposalNetwork(RegionProposalNetwork):  # type: ignore[misc]
    """The boxes that the box head looks at."""

    def __init__(self, plan: DetectorPlan) -> None:
        numbers = plan.numbers
        anchors = Anchors(numbers.anchor_sizes, (_RATIOS,) * len(numbers.anchor_sizes))
        head = ProposalHead(
            sum(plan.widths), numbers.proposal_channels, anchors.num_anchors_per_location()[0]
        )
        # TensorFlow suppresses among all boxes, not among the likeliest.
        every = dict.fromkeys(("training", "testing"), 1 << 31)
        kept = dict.fromkeys(("training", "testing"), numbers.proposals)
        super().__init__(anchors, head, 0.7, 0.3, _ANCHORS_PER_IMAGE, 0.5, every, kept, 0.7)
        self.box_coder = BoxCoder(weights=BOX_CODE)
        self.box_loss = numbers.box_loss
        self._image = (0, 0)

    def forward(self, images, features, targets=None):  # type: ignore[no-untyped-def]
        """As torchvision's."""
        self._image = tuple(images.tensors.shape[-2:])
        return super().forward(images, features, targets)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As torchvision's; anchors that leave the image are neither right nor wrong."""
        height, width = self._image
        inside = [
            (a[:, 0] >= 0) & (a[:, 1] >= 0) & (a[:, 2] <= width) & (a[:, 3] <= height)
            for a in anchors
        ]
        # Matched without them, so that the best anchor of an object is one that counts.
        within = [a[i] for a, i in zip(anchors, inside, strict=True)]
        if not all(len(each) for each in within):
            matched: tuple[list[Tensor], list[Tensor]] = super().assign_targets_to_anchors(
                anchors, targets
            )
            return matched
        some_labels, some_boxes = super().assign_targets_to_anchors(within, targets)
        labels, boxes = [], []
        for a, i, label, box in zip(anchors, inside, some_labels, some_boxes, strict=True):
            labels.append(label.new_full((len(a),), -1.0).masked_scatter(i, label))
            boxes.append(a.masked_scatter(i[:, None], box))
        return labels, boxes

    def compute_loss(
        self,
        objectness: Tensor,
        pred_bbox_deltas: Tensor,
        labels: list[Tensor],
        regression_targets: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Losses of objectness and boxes, both over the number of sampled anchors."""
        positives, negatives = self.fg_bg_sampler(labels)
        positive = torch.where(torch.cat(positives))[0]
        sampled = torch.cat([positive, torch.where(torch.cat(negatives))[0]])
        every, aims = torch.cat(labels), torch.cat(regression_targets)
        of_boxes = F.smooth_l1_loss(pred_bbox_deltas[positive], aims[positive], reduction="sum")
        of_objects = F.binary_cross_entropy_with_logits(
            objectness.flatten()[sampled], every[sampled], reduction="sum"
        )
        count = max(sampled.numel(), 1)
        return of_objects / count, self.box_loss * of_boxes / count
