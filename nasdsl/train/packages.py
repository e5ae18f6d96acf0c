"""The packages that training needs, besides what every network needs.

Purpose: say at once which are missing.
Non-goals: those that a part alone needs (matplotlib, TensorBoard, scikit-learn).
"""

from importlib.util import find_spec

from nasdsl.errors import cell_error, install_hint, listed

_NEEDED = ("torch", "torchvision", "accelerate", "safetensors")


def ensure_installed() -> None:
    """Do nothing where all are there.

    Raises:
        CellError: NAS701 with those that are not.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise cell_error(
            "NAS701",
            f"training needs {listed(missing)}, which {are} not installed",
            install_hint("train"),
        )
