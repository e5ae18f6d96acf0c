"""Files of weights: from a path to tensors by plain names.

Purpose: read `.npz`, `.safetensors`, PyTorch's `.pt` and `.pth` and Keras' `.h5`, `.weights.h5` and
`.keras` (weights or whole models, Keras 2 and 3). The content of a file, not its name, decides
what it is. TensorFlow's checkpoints are not read, because only TensorFlow reads them.

Nothing is read that could run code, and a model's configuration is never looked at. HDF5 can
keep an array's values in other files, and link to other files; a file of weights that does is
refused, because it would read whatever its author points at. Such links are not followed.

What training scripts put around a state dict is removed, as often as it applies:

- a checkpoint with other things beside the weights: {"state_dict": {...}, "epoch": 90, ...};
- a prefix of every name: `module.` (DataParallel), `_orig_mod.` (torch.compile);
- archives that keep other arrays beside the weights and put `var:` or `state:` before the
  weights' names.

torch and h5py are imported on use: a file is only read where there is a network to fill.
"""

import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from nasdsl.errors import CellError, cell_error, install_hint

#: What a file may hold: tensors and arrays by name, and whatever else a checkpoint keeps.
Contents = Mapping[Any, Any]

_READABLE = "supported: .npz, .safetensors, PyTorch's .pt and .pth, Keras' .h5 and .keras"
_TENSORFLOW = (
    "TensorFlow's checkpoints need TensorFlow; where it is installed:",
    "reader = tf.train.load_checkpoint(path)",
    "arrays = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}",
    "and `nasdsl.weights.load(net, arrays, layout='slim')`",
)
_TENSORFLOW_FILE = re.compile(r"\.(index|meta|pb|data-\d+-of-\d+)$|\.ckpt(-\d+)?$|^checkpoint$")


def read_weights(path: Path) -> Contents:
    """What a file of weights holds.

    Raises:
        CellError: NAS001 (no such file), NAS701 (h5py is not installed), NAS802 (damaged, cut
            short or of no known kind), NAS803 (its content could run code).
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
        read = _reader(path, head)
    except OSError as error:
        if Path(f"{path}.index").is_file():
            raise cell_error("NAS802", f"{path} is a TensorFlow checkpoint", *_TENSORFLOW) from None
        raise cell_error("NAS001", f"{path}: {error.strerror or error}") from None
    if read is None:
        kind = "a TensorFlow checkpoint" if _TENSORFLOW_FILE.search(path.name) else ""
        hints = _TENSORFLOW if kind else (_READABLE,)
        raise cell_error("NAS802", f"{path} is {kind or 'not a file of weights'}", *hints)
    try:
        return read(path)
    except CellError:
        raise
    except Exception as error:  # libraries raise anything over a damaged file
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise cell_error(
            "NAS802", f"{path} is damaged or truncated", f"the reader says: {reason}"
        ) from None


def _reader(path: Path, head: bytes) -> Callable[[Path], Contents] | None:
    if head.startswith(b"PK"):
        return _zipped
    if head.startswith(b"\x89HDF"):
        return keras_weights
    # A length of eight bytes and the brace that opens the header.
    if head[8:9] == b"{":
        return _safetensors
    # Pickles of protocol 2 and later: PyTorch's files before release 1.6.
    return _torch if head.startswith(b"\x80") else None


def _zipped(path: Path) -> Contents:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if "model.weights.h5" in names:
        return keras_weights(path)
    if any(name.endswith(".npy") for name in names):
        return _npz(path)
    return _torch(path)


def _npz(path: Path) -> Contents:
    numpy = import_module("numpy")
    arrays = {}
    with numpy.load(path, allow_pickle=False) as archive:
        for name in archive.files:
            try:
                arrays[name] = archive[name]
            except ValueError as error:
                if "allow_pickle" not in str(error):
                    raise
                raise _could_run_code(path, f"`{name}` holds Python objects") from None
    return arrays


def _safetensors(path: Path) -> Contents:
    module = import_module("safetensors")
    try:
        loaded: Contents = import_module("safetensors.torch").load_file(path)
    except module.SafetensorError as error:
        raise ValueError(str(error)) from None
    return loaded


def _torch(path: Path) -> Contents:
    torch = import_module("torch")
    try:
        with warnings.catch_warnings():
            # It warns of old formats, which are read all the same.
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        reason = _forbidden(str(error))
        if reason is None:
            raise
        raise _could_run_code(path, reason) from None
    if not isinstance(loaded, Mapping):
        kind = type(loaded).__name__
        raise cell_error(
            "NAS802", f"{path} contains a {kind} instead of tensors by name", _READABLE
        )
    return loaded


def _forbidden(message: str) -> str | None:
    """Why PyTorch refused to unpickle, where it was for safety."""
    if "TorchScript" in message:
        return "it is a TorchScript archive, which is a program"
    named = re.search(r"GLOBAL ([\w.]+)", message) or re.search(r"class ([\w.]+)", message)
    if named:
        return f"it asks for `{named[1]}`, which is not a tensor"
    unsupported = "unsupported" in message.lower() and "weights only" in message.lower()
    return "it holds more than tensors" if unsupported else None


def _could_run_code(path: Path, reason: str) -> CellError:
    return cell_error(
        "NAS803",
        f"{path} was not read, because reading it could run code: {reason}",
        "save the tensors alone: `torch.save(net.state_dict(), path)`",
        "or as .safetensors, which contains nothing else",
    )


_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params")
_PREFIXES = ("module.", "_orig_mod.")
_MARKS = ("var:", "state:")


def unwrapped_weights(source: Mapping[Any, Any]) -> dict[str, Any]:
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
            raise cell_error(
                "NAS802", f"the names of weights are texts, and {name!r:.40} is not one"
            )
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


_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def keras_weights(path: Path) -> dict[str, Any]:
    """Every array of a file under its layer's name, `stem_conv1/kernel`.

    Raises:
        CellError: NAS701 where h5py is not installed, NAS802 where arrays are elsewhere.
    """
    try:
        h5py: Any = import_module("h5py")
    except ModuleNotFoundError:
        message = f"reading {path} needs h5py, which is not installed"
        raise cell_error("NAS701", message, install_hint("torch")) from None
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
