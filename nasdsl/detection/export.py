"""`export_detector`: a detector as a file that is known to find the same.

Purpose: write beside the final place, read the file back, compare what it finds on images of
several sizes with what the detector finds, and only then put the file in its place.
Non-goals: the program that is written (`nasdsl.detection.program`); the formats themselves
(`nasdsl.export`).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nasdsl.detection.detector import Detector
from nasdsl.detection.model_file import TrainedDetector, detector_members, write_detector
from nasdsl.detection.program import DetectorProgram, program_inputs
from nasdsl.errors import cell_error
from nasdsl.export import Written, onnx_file, program_file, require_exportable
from nasdsl.export.formats import FORMATS
from nasdsl.export.writing import compared_file, format_errors
from nasdsl.values import typed

OUTPUTS = ("boxes", "labels", "scores")
#: By how much a box, in shares of the image's longer side, and a score may differ.
_TOLERANCE = 1e-4
#: The share of objects that have to agree. Where two scores are equal but for rounding, either box
#: may suppress the other, and both answers are right.
_MIN_SHARE = 0.98

#: Boxes, labels and scores of an image.
_Found = Sequence[Tensor]


@typed
def export_detector(
    trained: TrainedDetector, path: str | os.PathLike[str], *, images: Sequence[Tensor] = ()
) -> Written:
    """Write a detector as `.safetensors`, `.pt2` or `.onnx`, by the suffix.

    - `.safetensors`: `nasdsl.detection.read_detector` builds the detector again.
    - `.pt2`: `torch.export.load(path).module()(image)` gives boxes, labels and scores.
    - `.onnx`: opset 18, input `image`, outputs `boxes`, `labels` and `scores`.

    An image is (3, H, W) with values from 0 to 1, of any size from 2 x 2. Boxes are (n, 4): x1, y1,
    x2, y2 in its pixels; labels count from 1 and scores go from 0 to 1, both (n,). Programs are
    compared with the detector on images of several sizes: objects have the same labels, scores to
    within 1e-4 and boxes to within 1e-4 of the longer side, but for one in fifty, because either
    of two boxes whose scores are equal but for rounding may suppress the other.

    Args:
        trained: a detector and the names of its labels; it stays as it is.
        path: where to write; a file that is there is replaced.
        images: to compare on, besides images of noise.

    Raises:
        CellError: NAS007, NAS701 and NAS006, as `nasdsl.export.write` does; NAS708, there is no
            such file of this detector; NAS706, its weights are not finite, or it finds nothing on
            any of the images; NAS705, the file finds something else. Then nothing has been written.
    """
    require_exportable(path)
    detector, suffix = trained.detector, Path(path).suffix.lower()
    require_program(detector, suffix)
    if suffix == ".safetensors":
        write_detector(detector, trained.names, path)
        return Written(os.fspath(path), FORMATS[suffix].what, Path(path).stat().st_size, 0.0)
    with compared_file(path, torch.get_num_threads()) as beside:
        tried = [*program_inputs(detector), *images]
        expected = [_found(detector, image) for image in tried]
        if not any(len(scores) for *_, scores in expected):
            raise cell_error(
                "NAS706",
                "the detector finds nothing on images of noise, so nothing can be compared with it",
                "`nasdsl.detection.export_detector` takes images to compare on",
            )
        found = _written(trained, suffix, tried, beside)
        difference = _difference(expected, found, tried, suffix)
        size = beside.stat().st_size
    return Written(os.fspath(path), FORMATS[suffix].what, size, difference)


def require_program(detector: Detector, suffix: str) -> None:
    """Refuse a file that there cannot be.

    Raises:
        CellError: NAS708 and NAS706.
    """
    if suffix == ".py":
        raise cell_error(
            "NAS708",
            "a detector is not written as PyTorch source: parts of it are torchvision's",
            "`.pt2` and `.onnx` run without nasdsl",
        )
    if suffix != ".safetensors" and detector.plan.image_size is None:
        raise cell_error(
            "NAS708",
            "a detector that keeps the proportions of images has maps of as many sizes, and a "
            "program of torchvision's detectors has maps of one",
            "with an image_size, images of any size are brought to a square",
        )
    state = [each for each in detector.state_dict().values() if each.is_floating_point()]
    if not all(bool(each.isfinite().all()) for each in state):
        raise cell_error(
            "NAS706",
            "the weights of the detector are not finite, so nothing can be compared with it",
            "training may have diverged",
        )


def _found(detector: Detector, image: Tensor) -> _Found:
    """What the detector itself finds, as it is used."""
    was_training = detector.training
    device = next(detector.parameters()).device
    try:
        with torch.inference_mode():
            (found,) = detector.eval()([image.to(device)])
    finally:
        detector.train(was_training)
    return [found[name].cpu() for name in OUTPUTS]


def _written(
    trained: TrainedDetector, suffix: str, images: Sequence[Tensor], path: Path
) -> list[_Found]:
    """What the file finds, once it has been written and read back."""
    from torch.export import Dim

    axes: dict[int, Any] = {1: Dim("height"), 2: Dim("width")}
    members = detector_members(trained.detector.plan, trained.names)
    name = f"`{trained.detector.plan.graph.name}`"
    unwritten = f"the detector on {name} cannot be written as {suffix}"
    with format_errors("NAS708", unwritten), torch.no_grad():
        program = program_file.program_of(DetectorProgram(trained.detector), images[0], axes)
        if suffix == ".pt2":
            program_file.save_program(program, members, path)
        else:
            onnx_file.write_program(program, axes, list(OUTPUTS), members, path)
    if suffix == ".pt2":
        module = torch.export.load(path).module()
        with torch.inference_mode():
            return [module(image) for image in images]
    session = onnx_file.session(path)
    answers = [session.run(list(OUTPUTS), {"image": image.numpy()}) for image in images]
    return [[torch.from_numpy(each) for each in answer] for answer in answers]


def _difference(
    expected: Sequence[_Found], found: Sequence[_Found], images: Sequence[Tensor], suffix: str
) -> float:
    """The largest difference of objects that agree.

    Raises:
        CellError: NAS705, too few do.
    """
    worst = 0.0
    lonely = total = 0
    for ours, theirs, image in zip(expected, found, images, strict=True):
        boxes, labels, scores = (
            (a.double()[:, None] - b.double()).abs() for a, b in zip(ours, theirs, strict=True)
        )
        apart = torch.maximum(boxes.amax(-1) / max(image.shape), scores)
        apart = apart.where(labels == 0, torch.inf)
        # With one that is infinitely far on each side, there is always a nearest.
        padded = torch.nn.functional.pad(apart, (0, 1, 0, 1), value=torch.inf)
        nearest = torch.cat([padded.amin(1)[:-1], padded.amin(0)[:-1]])
        agree = nearest <= _TOLERANCE
        lonely += int((~agree).sum())
        total += len(nearest)
        worst = max([worst, *nearest[agree].tolist()])
    if lonely > (1 - _MIN_SHARE) * total:
        raise cell_error(
            "NAS705",
            f"{lonely / total:.0%} of what the {suffix} file and the detector find differ",
            "it was not kept; please report how to reproduce this",
        )
    return worst
