"""Whether a folder holds the training of a detector; looked at without PyTorch."""

import os
from pathlib import Path

from nasdsl.documents import document_text, json_value

#: The file that makes a folder a run, and what it says of this kind.
RUN, TASK = "run.json", "detection"


def is_detection_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds the training of a detector."""
    try:
        about = json_value(document_text(Path(path) / RUN))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("task") == TASK
