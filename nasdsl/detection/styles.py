"""The numbers of each style of detector, as it was released.

Purpose: one record a style.
Non-goals: what of them a detector is told to change (`nasdsl.detection.plan`).

Those of the style `paper` are of TensorFlow's released detectors (tensorflow/models,
research/object_detection: `samples/configs/faster_rcnn_nas_coco.config` as of 2017,
`models/faster_rcnn_nas_feature_extractor.py`, `models/faster_rcnn_pnas_feature_extractor.py`,
`protos/faster_rcnn.proto` for what the configuration leaves out). Those of `fpn` are torchvision's
(`torchvision.models.detection.fasterrcnn_resnet50_fpn`).
"""

from dataclasses import dataclass

#: Channels of every map of a feature pyramid, and of torchvision's box head.
PYRAMID, BOX_FEATURES = 256, 1024
#: How many stages a feature pyramid stands on, the smallest maps of a network.
PYRAMID_STAGES = 4


@dataclass(frozen=True, slots=True)
class DetectorNumbers:
    """What a style of detector decides, as it was released.

    Attributes:
        image_size: pixels a side of the square that images are brought to; None keeps their
            proportions, with 800 pixels on the shorter side and at most 1,333 on the longer.
        anchor_sizes: pixels a side of square anchors; a tuple for each map.
        proposal_channels: of the proposal network's convolution; 0 for those of its input.
        proposals: boxes an image that reach the box head.
        crop: pixels a side of what is cut out of the maps.
        training_boxes: boxes an image that the box head is trained on.
        box_loss: weight of both losses of boxes; those of classes have 1.
        overlap: of two detections of one class above which the lesser is dropped.
        score: that a detection must exceed.
    """

    image_size: int | None
    anchor_sizes: tuple[tuple[int, ...], ...]
    proposal_channels: int
    proposals: int
    crop: int
    training_boxes: int
    box_loss: float
    overlap: float
    score: float


#: 256 times the released scales 0.25, 0.5, 1 and 2. `second_stage_batch_size` is the schema's.
PAPER = DetectorNumbers(1200, ((64, 128, 256, 512),), 512, 500, 17, 64, 2.0, 0.6, 0.0)
_PYRAMID_ANCHORS = tuple((size,) for size in (32, 64, 128, 256, 512))
FPN = DetectorNumbers(None, _PYRAMID_ANCHORS, 0, 1000, 7, 512, 1.0, 0.5, 0.05)
NUMBERS = {"paper": PAPER, "fpn": FPN}
