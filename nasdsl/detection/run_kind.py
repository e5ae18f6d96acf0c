"""Whether a folder or a model file is a detector's; looked at without PyTorch."""

import os
from pathlib import Path

from nasdsl.documents import document_text, json_value
from nasdsl.errors import CellError
from nasdsl.language.parser.read import DETECTOR_MEMBER, is_model, model_metadata
from nasdsl.train.run_folder import has_seeds, seed_folders

#: The file that makes a folder a run, and what it says of this kind.
RUN, TASK = "run.json", "detection"


def is_detection_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds the training of a detector, or those of several seeds."""
    try:
        if has_seeds(path):
            path = seed_folders(path)[0].path
        about = json_value(document_text(Path(path) / RUN))
    except (OSError, ValueError, CellError):
        return False
    return isinstance(about, dict) and about.get("task") == TASK


def is_detector_model(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a model file with a detector."""
    try:
        return is_model(path) and DETECTOR_MEMBER in model_metadata(path)
    except CellError:
        return False
