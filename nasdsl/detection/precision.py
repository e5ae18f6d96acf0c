"""COCO's average precision of detections.

Purpose: what COCO's own evaluation says, by faster-coco-eval.
Non-goals: other measures.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nasdsl.detection.annotations import AnnotatedImages
from nasdsl.registry import require_packages
from nasdsl.values import require_types, typed


class AveragePrecision(NamedTuple):
    """COCO's twelve figures, from 0 to 1; None where there is nothing of such a size.

    Attributes:
        ap: mean over overlaps of 0.5, 0.55, ..., 0.95 and over the categories.
        ap50: at an overlap of 0.5.
        ap75: at an overlap of 0.75.
        ap_small: of objects below 32 x 32 pixels.
        ap_medium: of objects below 96 x 96 pixels.
        ap_large: of larger ones.
        ar1: recall with one detection an image.
        ar10: with ten.
        ar100: with a hundred.
        ar_small: recall of small ones, with a hundred.
        ar_medium: of medium ones.
        ar_large: of large ones.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    ar1: float | None
    ar10: float | None
    ar100: float | None
    ar_small: float | None
    ar_medium: float | None
    ar_large: float | None


@typed
def average_precision(
    part: AnnotatedImages, numbers: Sequence[int], found: Mapping[int, Mapping[str, Any]]
) -> AveragePrecision:
    """How well detections match what is on the images.

    Args:
        part: the images.
        numbers: COCO's numbers of the categories, by label from 1.
        found: by the number of the image, `boxes` (n, 4; x1, y1, x2, y2), `labels` and `scores`.

    Raises:
        CellError: NAS701, faster-coco-eval is not installed.
    """
    require_types(numbers=(numbers, Sequence))
    require_evaluation()
    from faster_coco_eval import COCO, COCOeval_faster

    truth = COCO(_truth(part))
    results = [
        {
            "image_id": number,
            "category_id": numbers[label - 1],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }
        for number, each in found.items()
        for (x1, y1, x2, y2), label, score in zip(
            each["boxes"].tolist(), each["labels"].tolist(), each["scores"].tolist(), strict=True
        )
    ]
    if not results:
        # The package wants a detection. One of no size is none, and figures of what is not there
        # stay undefined.
        nothing = {"category_id": numbers[0], "bbox": [0.0, 0.0, 0.0, 0.0], "score": 0.0}
        results = [{"image_id": part.images[0].number, **nothing}]
    evaluation = COCOeval_faster(truth, truth.loadRes(results), "bbox", print_function=_silent)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    figures = [float(each) for each in evaluation.stats[:12]]
    # COCO says -1 where there is nothing to find.
    return AveragePrecision(*(None if each < 0 else each for each in figures))


def require_evaluation() -> None:
    """Refuse an evaluation without the package it needs.

    Raises:
        CellError: NAS701.
    """
    require_packages("COCO's evaluation needs", ["faster_coco_eval"], "detection")


def _truth(part: AnnotatedImages) -> dict[str, Any]:
    """The file, with what exports leave out and the evaluation asks for."""
    document = dict(part.document)
    document["annotations"] = [
        {
            "iscrowd": 0,
            "area": each["bbox"][2] * each["bbox"][3],
            **each,
            "id": number,
        }
        for number, each in enumerate(document["annotations"], 1)
    ]
    return document


def _silent(*_: object) -> None:
    """What the package would print."""
