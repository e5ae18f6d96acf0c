"""A detector as a program of tensors, as `torch.export` can write it down.

Purpose: `DetectorProgram`, which finds in an image what the detector finds. torchvision's own code
asks how many boxes are left and continues accordingly; a program cannot. Here boxes that are
dropped keep their place with a score below zero, and are left out at the end.
Non-goals: files (`nasdsl.detection.export`), training, several images at once.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import clip_boxes_to_image, nms

from nasdsl.detection.detector import Detector

#: The score of a box that was dropped.
_DROPPED = -1.0
#: Pixels a side below which torchvision drops a detection.
_MIN_SIDE = 1e-2


class DetectorProgram(nn.Module):
    """A detector in evaluation, for one image of any size.

    Args:
        detector: its weights are copied to the CPU.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = copy.deepcopy(detector).to("cpu").eval().requires_grad_(False)
        self.detector.rpn.filter_proposals = _Proposals(self.detector.rpn)
        self.detector.roi_heads.postprocess_detections = _Detections(self.detector.roi_heads)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(3, H, W) from 0 to 1 to boxes (n, 4; x1, y1, x2, y2), labels (n) and scores (n)."""
        (found,) = self.detector([image])
        return found["boxes"], found["labels"], found["scores"]


class _Proposals:
    """`RegionProposalNetwork.filter_proposals` for one image: always as many as there may be.

    Those that are missing are boxes without an area, of which no detection is made.
    """

    def __init__(self, network: RegionProposalNetwork) -> None:
        self.network = network

    def __call__(
        self,
        proposals: Tensor,
        objectness: Tensor,
        image_shapes: Sequence[tuple[int, int]],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        network = self.network
        boxes = clip_boxes_to_image(proposals[0], image_shapes[0])
        scores = objectness.reshape(-1).sigmoid()
        least = network.min_size
        scores = scores.where(_is_large(boxes, least) & (scores >= network.score_thresh), _DROPPED)
        likeliest = network.pre_nms_top_n()
        kept = []
        first = 0
        for count in num_anchors_per_level:
            here = slice(first, first + count)
            first += count
            some, places = scores[here].topk(min(likeliest, count))
            of_map = boxes[here][places]
            kept.append((of_map, _survivors(of_map, some, network.nms_thresh)))
        boxes, scores = (torch.cat(each) for each in zip(*kept, strict=True))
        scores, places = scores.topk(min(network.post_nms_top_n(), len(scores)))
        return [boxes[places].where(scores[:, None] >= 0, 0.0)], [scores]


class _Detections:
    """`RoIHeads.postprocess_detections` for one image."""

    def __init__(self, heads: RoIHeads) -> None:
        self.heads = heads

    def __call__(
        self,
        class_logits: Tensor,
        box_regression: Tensor,
        proposals: list[Tensor],
        image_shapes: Sequence[tuple[int, int]],
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        heads = self.heads
        boxes = clip_boxes_to_image(
            heads.box_coder.decode(box_regression, proposals), image_shapes[0]
        )
        scores = class_logits.softmax(-1)
        scores = scores.where((scores > heads.score_thresh) & _is_large(boxes, _MIN_SIDE), _DROPPED)
        # The background is no class to find.
        classes = range(1, class_logits.shape[-1])
        left = [_survivors(boxes[:, each], scores[:, each], heads.nms_thresh) for each in classes]
        every = torch.stack(left, 1).reshape(-1)
        best, places = every.topk(min(heads.detections_per_img, len(every)))
        found = places[best >= 0]
        labels = found % len(classes) + 1
        return (
            [boxes[:, 1:].reshape(-1, 4)[found]],
            [every[found]],
            [labels],
        )


def _is_large(boxes: Tensor, least: float) -> Tensor:
    sides = boxes[..., 2:] - boxes[..., :2]
    return (sides >= least).all(-1)


def _survivors(boxes: Tensor, scores: Tensor, overlap: float) -> Tensor:
    """The scores, and below zero those of boxes that a likelier one suppresses.

    A box that was dropped before comes after all others, and so suppresses none of them.
    """
    kept = nms(boxes, scores, overlap)
    is_kept = torch.zeros_like(scores).scatter(0, kept, 1.0)
    return scores.where(is_kept > 0, _DROPPED)


def program_inputs(detector: Detector) -> list[Tensor]:
    """Images of several sizes to try a program on, (3, H, W) from 0 to 1, the same each time."""
    size: Any = detector.plan.graph.image
    generator = torch.Generator().manual_seed(0)
    like = next(detector.parameters())
    made = []
    for height, width in ((size.height + 1, size.width + 7), (48, 81), (size.height, size.width)):
        # Coarse and fine: there has to be something to find.
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        large = nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]
        fine = torch.rand(3, height, width, generator=generator)
        made.append((0.8 * large + 0.2 * fine).to(like.dtype))
    return made
