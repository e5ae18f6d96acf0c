"""Files of weights: from a path to tensors by name.

Purpose: read `.npz`, `.safetensors`, PyTorch's `.pt` and `.pth` and Keras' `.h5` and `.keras`.
What a file is says its content, not its name.
Non-goals: TensorFlow's checkpoints, which only TensorFlow reads; anything that could run
code. Whether the names fit a network is for `nasdsl.weights.load`.

torch is imported on use: a file is only read where there is a network to fill.
"""

import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from nasdsl.errors import CellError, cell_error
from nasdsl.weights.hdf5 import keras_weights

#: What a file may hold: tensors and arrays by name, and whatever else a checkpoint keeps.
Contents = Mapping[Any, Any]

_READABLE = "readable are .npz, .safetensors, PyTorch's .pt and .pth, Keras' .h5 and .keras"
_TENSORFLOW = (
    "TensorFlow's checkpoints need TensorFlow; where it is installed:",
    "reader = tf.train.load_checkpoint(path)",
    "arrays = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}",
    "and `nasdsl.weights.load(net, arrays, layout='slim')`",
)
_TENSORFLOW_FILE = re.compile(r"\.(index|meta|pb|data-\d+-of-\d+)$|\.ckpt(-\d+)?$|^checkpoint$")


def contents(path: Path) -> Contents:
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
        raise cell_error("NAS802", f"{path} is {kind or 'no file of weights'}", *hints)
    try:
        return read(path)
    except CellError:
        raise
    except Exception as error:  # libraries raise anything over a damaged file
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise cell_error(
            "NAS802", f"{path} is damaged or cut short", f"the reader says: {reason}"
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
        raise cell_error("NAS802", f"{path} holds no tensors by name but a {kind}", _READABLE)
    return loaded


def _forbidden(message: str) -> str | None:
    """Why PyTorch refused to unpickle, where it was for safety."""
    if "TorchScript" in message:
        return "it is a TorchScript archive, which is a program"
    named = re.search(r"GLOBAL ([\w.]+)", message) or re.search(r"class ([\w.]+)", message)
    if named:
        return f"it asks for `{named[1]}`, which is no tensor"
    unsupported = "unsupported" in message.lower() and "weights only" in message.lower()
    return "it holds more than tensors" if unsupported else None


def _could_run_code(path: Path, reason: str) -> CellError:
    return cell_error(
        "NAS803",
        f"{path} is refused, because reading it could run code: {reason}",
        "save the tensors alone: `torch.save(net.state_dict(), path)`",
        "or as .safetensors, which holds nothing else",
    )
