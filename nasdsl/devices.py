"""Devices: `existing_device`, or the finding that says why there is none.

PyTorch is imported where a device is asked for.
"""

from importlib import import_module
from typing import Any

from nasdsl.errors import CellError, cell_error, did_you_mean, first_line


def existing_device(device: object) -> Any:
    """A device that can be used, as PyTorch's object.

    Args:
        device: as PyTorch writes it, `cuda:1`.

    Raises:
        CellError: NAS707.
    """
    torch: Any = import_module("torch")
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise unusable_device(device, error) from None


def unusable_device(device: object, error: BaseException) -> CellError:
    """NAS707 in the words of PyTorch's exception."""
    known = [did_you_mean("cuda")] if str(device).lower().startswith(("gpu", "nvidia")) else []
    return cell_error(
        "NAS707",
        f"the device {device!r:.40} cannot be used",
        *known,
        f"PyTorch says: {first_line(error)}",
    )
