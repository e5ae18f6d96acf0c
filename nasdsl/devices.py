"""Devices: `existing_device`, or a finding that says why there is none.

PyTorch is imported where a device is asked for.
"""

from importlib import import_module
from typing import Any

from nasdsl.errors import cell_error, first_line


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
        raise cell_error(
            "NAS707",
            f"the device {device!r:.40} cannot be used",
            f"PyTorch says: {first_line(error)}",
        ) from None
