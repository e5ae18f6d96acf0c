"""What a detector finds on images, on a device that can be used.

Purpose: `detections`, and the device.
Non-goals: training (`nasdsl.detection.training`), drawing.
"""

from collections.abc import Callable
from typing import Any

import torch

from nasdsl.detection.annotations import AnnotatedImages
from nasdsl.detection.detector import Detector
from nasdsl.detection.images import pixels_of
from nasdsl.devices import existing_device

#: What takes less memory.
LESS = (
    "`--set batch=1`, a smaller `--set image_size=...` or fewer `--set proposals=...` take less; "
    "checkpoints are kept"
)


def usable_device(name: str | None) -> torch.device:
    """A device; an accelerator where None is asked for and there is one.

    Raises:
        CellError: NAS707.
    """
    if name is None:
        found = (
            torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        )
        return found or torch.device("cpu")
    found = existing_device(name)
    assert isinstance(found, torch.device)
    return found


def detections(
    detector: Detector,
    part: AnnotatedImages,
    device: torch.device,
    on_image: Callable[[int], None] = lambda count: None,
) -> dict[int, dict[str, Any]]:
    """What a detector finds on images, by their numbers."""
    detector.eval()
    found = {}
    with torch.inference_mode():
        for count, image in enumerate(part.images, 1):
            (each,) = detector([pixels_of(image).to(device)])
            found[image.number] = {name: value.cpu() for name, value in each.items()}
            on_image(count)
    return found
