"""Files of weights: from a path to arrays by plain names.

Purpose: open `.npz`, `.safetensors`, PyTorch's `.pt` and `.pth` and Keras' `.h5`, `.weights.h5` and
`.keras` (weights or whole models, Keras 2 and 3). The content of a file, not its name, decides
what it is. TensorFlow's checkpoints are not read, because only TensorFlow reads them.

Nothing is read that could run code, and a model's configuration is never looked at. What a file
declares is read first, and an array only when the network has a place for it (`stored`).

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
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from nasdsl.errors import CellError, cell_error, first_line
from nasdsl.language.parser.read import MAX_HEADER
from nasdsl.loading.kinds import kind_at
from nasdsl.weights.hdf5 import is_keras, keras_weights
from nasdsl.weights.stored import Stored

#: What a file may hold: tensors and arrays by name, and whatever else a checkpoint keeps.
Contents = Mapping[Any, Any]
#: Opens a file, given the most bytes that an archive may unpack to.
_Opener = Callable[[Path, int], AbstractContextManager[Contents]]

#: What an archive may unpack to for each byte of the network: weights, averages and what an
#: optimizer keeps, in double precision; and beside that in any case.
_ROOM_FACTOR, _ROOM = 8, 64_000_000
#: The start of an array in a `.npz` file: a magic number and a header of a length that numpy takes.
_ARRAY_START = 12 + 10_000

_READABLE = "supported: .npz, .safetensors, PyTorch's .pt and .pth, Keras' .h5 and .keras"
_TENSORFLOW = (
    "TensorFlow's checkpoints need TensorFlow; where it is installed:",
    "reader = tf.train.load_checkpoint(path)",
    "arrays = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}",
    "and `nasdsl.weights.load(net, arrays, layout='slim')`",
)
_TENSORFLOW_FILE = re.compile(r"\.(index|meta|pb|data-\d+-of-\d+)$|\.ckpt(-\d+)?$|^checkpoint$")


@contextmanager
def opened_weights(path: Path, size: int) -> Iterator[Contents]:
    """What a file of weights holds; its `Stored` arrays are read within the block.

    Args:
        path: the file.
        size: of the network, in bytes.

    Raises:
        CellError: NAS001 (no such file), NAS701 (h5py is not installed), NAS802 (damaged, cut
            short, of no known kind or larger than it says), NAS803 (its content could run code).
    """
    opener = _opener(path)
    with ExitStack() as stack:
        with _damage_reported(path):
            contents = stack.enter_context(opener(path, _ROOM_FACTOR * size + _ROOM))
        yield {name: _reporting(path, value) for name, value in contents.items()}


def require_weights(path: Path) -> None:
    """Refuse a path that has no file of weights, by the first bytes.

    Raises:
        CellError: NAS001 and NAS802, as `opened_weights` does.
    """
    _opener(path)


def _opener(path: Path) -> _Opener:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        if Path(f"{path}.index").is_file():
            raise cell_error("NAS802", f"{path} is a TensorFlow checkpoint", *_TENSORFLOW) from None
        raise cell_error("NAS001", f"{path}: {error.strerror or error}") from None
    if head.startswith(b"PK"):
        return _archive
    if head.startswith(b"\x89HDF"):
        return keras_weights
    # A length of eight bytes and the brace that opens the header.
    if head[8:9] == b"{":
        return _safetensors
    # Pickles of protocol 2 and later: PyTorch's files before release 1.6.
    if head.startswith(b"\x80"):
        return _old_torch
    if _TENSORFLOW_FILE.search(path.name):
        raise cell_error("NAS802", f"{path} is a TensorFlow checkpoint", *_TENSORFLOW)
    kind = kind_at(path)
    said, hints = (f"{kind.words}, ", kind.hints) if kind else ("", ())
    raise cell_error("NAS802", f"{path} is {said}not a file of weights", *hints, _READABLE)


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    """Turn whatever libraries raise over a damaged file into NAS802."""
    try:
        yield
    except CellError:
        raise
    except Exception as error:
        reason = first_line(error)
        raise cell_error(
            "NAS802", f"{path} is damaged or truncated", f"the reader says: {reason}"
        ) from None


def _reporting(path: Path, value: Any) -> Any:
    if not isinstance(value, Stored):
        return value
    return value._replace(read=partial(_read, path, value.read))


def _read(path: Path, read: Callable[[], Any]) -> Any:
    with _damage_reported(path):
        return read()


@contextmanager
def _archive(path: Path, room: int) -> Iterator[Contents]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        # Others can take any amount of memory to unpack.
        if {member.compress_type for member in archive.infolist()} - {
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        }:
            raise ValueError("it is compressed in a way that is not read")
    opener: _Opener = _torch
    if is_keras(names):
        opener = keras_weights
    elif any(name.endswith(".npy") for name in names):
        opener = _npz
    with opener(path, room) as contents:
        yield contents


@contextmanager
def _npz(path: Path, room: int) -> Iterator[Contents]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        yield {name.removesuffix(".npy"): _npy(path, archive, name) for name in names}


def _npy(path: Path, archive: zipfile.ZipFile, name: str) -> Stored:
    numpy_format = import_module("numpy.lib.format")
    with archive.open(name) as member:
        start = io.BytesIO(member.read(_ARRAY_START))
    if numpy_format.read_magic(start) == (1, 0):
        shape, _, dtype = numpy_format.read_array_header_1_0(start)
    else:
        shape, _, dtype = numpy_format.read_array_header_2_0(start)
    if dtype.hasobject:
        raise _could_run_code(path, f"`{name.removesuffix('.npy')}` holds Python objects")
    return Stored(shape, partial(_npy_array, archive, name), dtype.kind in "fiu")


def _npy_array(archive: zipfile.ZipFile, name: str) -> Any:
    with archive.open(name) as member:
        return import_module("numpy.lib.format").read_array(member, allow_pickle=False)


@contextmanager
def _safetensors(path: Path, room: int) -> Iterator[Contents]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
    if length > MAX_HEADER:
        raise ValueError(f"its header has {length:,} bytes, more than {MAX_HEADER:,}")
    with import_module("safetensors").safe_open(path, framework="pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        yield {
            name: Stored(
                tuple(part.get_shape()),
                partial(file.get_tensor, name),
                part.get_dtype()[0] in "FIU" or part.get_dtype() == "BF16",
            )
            for name, part in slices.items()
        }


@contextmanager
def _torch(path: Path, room: int) -> Iterator[Contents]:
    """An archive of `torch.save`, whose tensors stay in the file until they are used."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(Path(member.filename).name == "constants.pkl" for member in members):
            raise _could_run_code(path, "it is a TorchScript archive, which is a program")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed, which `torch.save` does not do")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise ValueError("its parts are longer than the file")
        # PyTorch writes checksums but does not verify them.
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged} differs")
    yield _unpickled(path, mmap=True)


@contextmanager
def _old_torch(path: Path, room: int) -> Iterator[Contents]:
    yield _unpickled(path, mmap=False)


def _unpickled(path: Path, *, mmap: bool) -> Contents:
    torch = import_module("torch")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_numpy_scalars()):
            # It warns of old formats, which are read all the same.
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
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


def _numpy_scalars() -> list[Any]:
    """What numpy's numbers are pickled by. They are safe: each is made of a type and its bytes."""
    numpy: Any = import_module("numpy")
    make = numpy.float64(0).__reduce__()[0]
    # numpy 2 has renamed the module that older files name.
    names = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")
    types = {type(numpy.dtype(code)) for code in "?bhilqBHILQefd"}
    return [*((make, name) for name in names), numpy.dtype, *types]


def _forbidden(message: str) -> str | None:
    """Why PyTorch refused to unpickle, where it was for safety."""
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
