"""Keras' files: weights by the names of layers.

Purpose: read `.h5` (weights or whole models, Keras 2 and 3), `.weights.h5` and `.keras`.
Non-goals: anything but arrays; a model's configuration is never looked at.

HDF5 can keep an array's values in other files, and link to other files; a file of weights
that does is refused, because it would read whatever its author points at. Such links are
not followed. h5py is imported on use and named where it is missing.
"""

import io
import zipfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from nasdsl.errors import cell_error

_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def keras_weights(path: Path) -> dict[str, Any]:
    """Every array of a file under its layer's name, `stem_conv1/kernel`.

    Raises:
        CellError: NAS701 where h5py is not installed, NAS802 where arrays are elsewhere.
    """
    try:
        h5py: Any = import_module("h5py")
    except ModuleNotFoundError:
        raise cell_error("NAS701", f"reading {path} needs h5py", "pip install h5py") from None
    source: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            source = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(source, "r") as file:
        root = file.get("model_weights", file)
        datasets = _datasets(root, h5py)
        for name, dataset in datasets.items():
            if dataset.external or dataset.is_virtual:
                raise cell_error("NAS802", f"{path} keeps `{name}` in another file")
        numbered = "layers" in root and "layer_names" not in root.attrs
        if not numbered:
            return {name: dataset[()] for name, dataset in datasets.items()}
        return _numbered(datasets)


def _datasets(root: Any, h5py: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    root.visititems(visit)  # what is linked from other places is not visited
    return found


def _numbered(datasets: dict[str, Any]) -> dict[str, Any]:
    """Keras 3's weights, which it numbers within a layer: `layers/conv2d_3/vars/0`."""
    layers: dict[str, dict[str, Any]] = {}
    for name, dataset in datasets.items():
        group, _, number = name.rpartition("/")
        if group.startswith("layers/") and group.endswith("/vars"):
            layers.setdefault(group, {})[number] = dataset
    arrays: dict[str, Any] = {}
    for group, found in layers.items():
        weights = [found[number] for number in sorted(found, key=int)]
        scope = weights[0].parent.attrs.get("name", group)
        for tensor, dataset in zip(_tensor_names(weights), weights, strict=True):
            arrays[f"{scope}/{tensor}"] = dataset[()]
    return arrays


def _tensor_names(weights: Sequence[Any]) -> Sequence[str]:
    """What the weights of one layer are, going by how many there are."""
    if len(weights) == 1:
        return ("kernel",)
    if len(weights) == 2 and weights[0].ndim == 2:
        return "kernel", "bias"
    if len(weights) == 2:
        return "depthwise_kernel", "pointwise_kernel"
    return _NORM if len(weights) == 4 else [str(number) for number in range(len(weights))]
