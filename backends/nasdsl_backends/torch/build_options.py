"""`BuildOptions`: the options that networks and super-networks are built with.

Purpose: one check of `device`, `dtype`, `seed` and `drop_path_mode`, whatever is built.
"""

from typing import Any, Literal, NamedTuple

import torch

from nasdsl.devices import existing_device
from nasdsl.errors import cell_error, listed
from nasdsl.values import Values, shown

DropPathMode = Literal["scheduled", "plain"]

#: The types that weights may have, by their names.
_DTYPES = {
    str(each).removeprefix("torch."): each
    for each in (torch.float32, torch.float64, torch.bfloat16, torch.float16)
}
_SEEDS = Values(int, minimum=0)


class BuildOptions(NamedTuple):
    """Legal values.

    Attributes:
        device: one that can be used.
        dtype: of parameters and moving statistics; None for PyTorch's default.
        seed: of the weights; None for PyTorch's global generator.
        drop_path_mode: see `Network`.
    """

    device: torch.device
    dtype: torch.dtype | None
    seed: int | None
    drop_path_mode: DropPathMode


def build_options(device: Any, dtype: Any, seed: Any, drop_path_mode: Any) -> BuildOptions:
    """The options as a caller gives them, if they are legal; a dtype by its name, too.

    Raises:
        CellError: NAS502; NAS707, the device cannot be used.
    """
    if not isinstance(drop_path_mode, str) or drop_path_mode not in ("scheduled", "plain"):
        text = f"drop_path_mode is `scheduled` or `plain`, not {drop_path_mode!r:.40}"
        raise cell_error("NAS502", text)
    kind = _DTYPES.get(str(dtype).removeprefix("torch."))
    if dtype is not None and (kind is None or not isinstance(dtype, torch.dtype | str)):
        raise cell_error("NAS502", f"dtype is {listed(_DTYPES, 'or')}, not {dtype!r:.40}")
    number = None if seed is None else _SEEDS.legal(seed)
    if seed is not None and number is None:
        raise cell_error("NAS502", f"seed is {_SEEDS.description}, not {shown(seed)}")
    where = torch.get_default_device() if device is None else existing_device(device)
    mode: DropPathMode = "plain" if drop_path_mode == "plain" else "scheduled"
    return BuildOptions(where, kind, number, mode)
