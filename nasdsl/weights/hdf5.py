"""Keras' files: weights by the names of layers.

Purpose: read `.h5` (weights or whole models, Keras 2 and 3), `.weights.h5` and `.keras`.
Non-goals: anything but arrays; a model's configuration is never looked at.

h5py is imported on use and named where it is missing.
"""

import io
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

from nasdsl.errors import refuse

# Keras 3 numbers the weights of a layer; how many there are says what they are.
_NUMBERED = {
    1: ("kernel",),
    4: ("gamma", "beta", "moving_mean", "moving_variance"),
}


def keras_weights(path: Path) -> dict[str, Any]:
    """Every array of a file under its layer's name, `stem_conv1/kernel`.

    Raises:
        CellError: NAS701 where h5py is not installed.
    """
    try:
        h5py: Any = import_module("h5py")
    except ModuleNotFoundError:
        raise refuse("NAS701", f"reading {path} needs h5py", "pip install h5py") from None
    source: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            source = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(source, "r") as file:
        root = file.get("model_weights", file)
        if "layers" in root and "layer_names" not in root.attrs:
            return _numbered(root["layers"], h5py)
        return _named(root, h5py)


def _named(root: Any, h5py: Any) -> dict[str, Any]:
    arrays: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    root.visititems(visit)
    return arrays


def _numbered(layers: Any, h5py: Any) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for layer in layers.values():
        variables = layer.get("vars") if isinstance(layer, h5py.Group) else None
        if variables is None or not len(variables):
            continue
        found = [variables[str(number)][()] for number in range(len(variables))]
        names = _NUMBERED.get(len(found), ())
        if len(found) == 2:
            matrix = found[0].ndim == 2
            names = ("kernel", "bias") if matrix else ("depthwise_kernel", "pointwise_kernel")
        scope = variables.attrs.get("name", layer.name)
        for number, array in enumerate(found):
            tensor = names[number] if names else str(number)
            arrays[f"{scope}/{tensor}"] = array
    return arrays
