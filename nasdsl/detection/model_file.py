"""`model.safetensors` of a detector: its weights, and in the metadata all it is built from.

Purpose: writing one, read back and compared before it appears; and building the detector again.
"""

import json
import os
from dataclasses import dataclass

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from nasdsl.api.trained import WeightsFile
from nasdsl.atomic_write import atomic_write
from nasdsl.detection.backbone import compiled
from nasdsl.detection.cost import detector_cost
from nasdsl.detection.detector import Detector, assembled
from nasdsl.detection.plan import DetectorPlan, plan_detector
from nasdsl.documents import json_value
from nasdsl.errors import CellError, cell_error, first_line
from nasdsl.language.parser.read import DETECTOR_MEMBER, MEMBER, model_metadata, read_model
from nasdsl.loading import cells_of_text
from nasdsl.network.self_contained import network_text
from nasdsl.values import typed


@dataclass(frozen=True, slots=True)
class TrainedDetector:
    """A detector from a file, and what its labels are called.

    Attributes:
        detector: in evaluation.
        names: of the categories, by label from 1.
    """

    detector: Detector
    names: tuple[str, ...]


def build_detector(
    plan: DetectorPlan,
    *,
    seed: int | None = None,
    frozen_norm: bool = True,
    weights: WeightsFile | None = None,
) -> Detector:
    """The detector of a plan; weights that no file gives are drawn from a seed."""
    network = compiled(plan.network.genotype, None, weights, {"seed": seed})
    return assembled(plan, network, frozen_norm, seed)


def write_detector(
    detector: Detector, names: tuple[str, ...], path: str | os.PathLike[str]
) -> None:
    """Write a detector; the file appears once its tensors have been read back and compared.

    Raises:
        CellError: NAS006, it cannot be written; NAS705, what was read back differs.
    """
    state = {name: tensor.contiguous() for name, tensor in detector.state_dict().items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(state, detector_members(detector.plan, names)))
        again = read_detector(temporary).detector.state_dict()
        if again.keys() != state.keys() or not all(
            torch.equal(again[name], tensor.cpu()) for name, tensor in state.items()
        ):
            raise cell_error("NAS705", f"{os.fspath(path)!r} does not hold what was written")


def detector_members(plan: DetectorPlan, names: tuple[str, ...]) -> dict[str, str]:
    """What every file of a detector says of it: its network's text, and JSON with all else."""
    numbers = plan.numbers
    about = {
        "style": plan.style,
        "classes": plan.classes,
        "image_size": plan.image_size,
        "proposals": numbers.proposals,
        "crop": numbers.crop,
        "training_boxes": numbers.training_boxes,
        "anchor_sizes": [size for each in numbers.anchor_sizes for size in each],
        "names": names,
    }
    return {MEMBER: network_text(plan.graph), DETECTOR_MEMBER: json.dumps(about)}


@typed
def read_detector(path: str | os.PathLike[str]) -> TrainedDetector:
    """The detector of a file that `write_detector` wrote.

    Raises:
        CellError: NAS001, it cannot be read; NAS802, it holds no detector, or not all of one.
    """
    said = model_metadata(path).get(DETECTOR_MEMBER)
    if said is None:
        raise cell_error("NAS802", f"{os.fspath(path)!r} holds no detector of nasdsl")
    text = read_model(path)
    try:
        about = json_value(said)
        if not isinstance(about, dict):
            raise ValueError("it is no object")
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (ValueError, SafetensorError):
        raise cell_error("NAS802", f"{os.fspath(path)!r} holds no detector of nasdsl") from None
    try:
        names = tuple(map(str, about.pop("names")))
        plan = plan_detector(cells_of_text(text), **about)
        # What is there before what is said: a few words can ask for any amount of memory.
        held = sum(tensor.numel() for tensor in state.values())
        if held < detector_cost(plan).params:
            raise ValueError(f"it holds {held:,} numbers, and its detector has more weights")
        detector = build_detector(plan)
        detector.load_state_dict(state)
    except (CellError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = first_line(error, 120)
        raise cell_error("NAS802", f"{os.fspath(path)!r} holds no whole detector", reason) from None
    return TrainedDetector(detector.eval(), names)
