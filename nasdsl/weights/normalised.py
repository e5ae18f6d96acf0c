"""Names as checkpoints wrap them: from a mapping to tensors by plain names.

Purpose: undo what training scripts put around a state dict.
Non-goals: a layout's own spelling (`Layout.key`).

Undone, as often as it applies:

- a checkpoint with other things beside the weights: {"state_dict": {...}, "epoch": 90, ...};
- a prefix of every name: `module.` (DataParallel), `_orig_mod.` (torch.compile);
- archives that keep other arrays beside the weights and put `var:` or `state:` before the
  weights' names.
"""

from collections.abc import Mapping
from typing import Any

from nasdsl.errors import cell_error

_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
_PREFIXES = ("module.", "_orig_mod.")
_MARKS = ("var:", "state:")


def normalised(source: Mapping[Any, Any]) -> dict[str, Any]:
    """The weights of a mapping by their plain names.

    Raises:
        CellError: NAS802 where a name is no text.
    """
    while True:
        inner = next((source[key] for key in _WRAPPERS if _is_mapping(source, key)), None)
        if inner is None:
            break
        source = inner
    for name in source:
        if not isinstance(name, str):
            raise cell_error("NAS802", f"weights have names, and {name!r:.40} is none")
    weights: dict[str, Any] = dict(source)
    for mark in _MARKS:
        if any(name.startswith(mark) for name in weights):
            return {
                name.removeprefix(mark): value
                for name, value in weights.items()
                if name.startswith(mark)
            }
    for prefix in _PREFIXES * 2:
        if weights and all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _is_mapping(source: Mapping[Any, Any], key: str) -> bool:
    return key in source and isinstance(source[key], Mapping)
