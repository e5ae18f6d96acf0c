"""Keras's files of weights: arrays by the names of their layers.

`.h5` and `.weights.h5` are HDF5; `.keras` is a zip archive with such a file in it. Keras 2 and 3
write whole models and weights alone.

HDF5 can keep an array's values in other files and link to other files; a file of weights that does
is refused, because it would read whatever its author points at. Its library unpacks a compressed
piece to whatever length comes out, so pieces are unpacked here first, as far as they may reach.
"""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

from nasdsl.atomic_write import write_errors
from nasdsl.errors import cell_error, install_hint
from nasdsl.weights.stored import Stored

_INSIDE = "model.weights.h5"
#: HDF5's numbers of filters, and the rows of them that are read, in the order of writing.
_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3
_FILTERS = tuple(
    [*shuffle, *deflate, *checksum]
    for shuffle in ([], [_SHUFFLE])
    for deflate in ([], [_DEFLATE])
    for checksum in ([], [_CHECKSUM])
)
#: A piece may be larger than its array, up to this many bytes.
_MAX_PIECE = 1 << 20
_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def is_keras(names: Sequence[str]) -> bool:
    """Whether an archive with these members is a `.keras` file."""
    return _INSIDE in names


@contextmanager
def keras_weights(path: Path, room: int) -> Iterator[Mapping[str, Stored]]:
    """Every array of a file under its layer's name, `stem_conv1/kernel`.

    Args:
        path: the file.
        room: the most bytes that an archive may unpack to, on the disk.

    Raises:
        CellError: NAS701 where h5py is not installed, NAS802 where arrays are elsewhere or do
            not stay within bounds.
    """
    try:
        h5py: Any = import_module("h5py")
    except ModuleNotFoundError:
        message = f"reading {path} needs h5py, which is not installed"
        raise cell_error("NAS701", message, install_hint("torch")) from None
    with tempfile.TemporaryFile() as unpacked:
        source: Any = path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = archive.getinfo(_INSIDE).file_size
                if size > room:
                    raise cell_error(
                        "NAS802",
                        f"{path} unpacks to {size / 1e6:,.0f} MB, too much for the network",
                    )
                with archive.open(_INSIDE) as member, write_errors(f"{path}, unpacked,"):
                    shutil.copyfileobj(member, unpacked)
            source = unpacked
        with h5py.File(source, "r") as file:
            root = file.get("model_weights", file)
            datasets = _datasets(root, h5py)
            for name, dataset in datasets.items():
                if dataset.external or dataset.is_virtual:
                    raise cell_error("NAS802", f"{path} keeps `{name}` in another file")
            is_numbered = "layers" in root and "layer_names" not in root.attrs
            named = _numbered(datasets) if is_numbered else datasets
            yield {
                name: Stored(
                    dataset.shape or (), partial(_array, dataset), dataset.dtype.kind in "fiu"
                )
                for name, dataset in named.items()
            }


def _datasets(root: Any, h5py: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    root.visititems(visit)  # what is linked from other places is not visited
    return found


def _array(dataset: Any) -> Any:
    """The values of a dataset.

    Raises:
        ValueError: its pieces do not unpack to what the file declares.
    """
    if dataset.chunks:
        _require_bounded_pieces(dataset)
    return dataset[()]


def _require_bounded_pieces(dataset: Any) -> None:
    piece = prod(dataset.chunks) * dataset.dtype.itemsize
    if piece > max(dataset.nbytes, _MAX_PIECE):
        raise ValueError(f"`{dataset.name}` is in pieces of {piece:,} bytes")
    created = dataset.id.get_create_plist()
    filters = [created.get_filter(n)[0] for n in range(created.get_nfilters())]
    if filters not in _FILTERS:
        raise ValueError(f"`{dataset.name}` is compressed in a way that is not read")
    if _DEFLATE not in filters:
        return
    places: list[Any] = []
    dataset.id.chunk_iter(places.append)
    for place in places:
        if place.filter_mask >> filters.index(_DEFLATE) & 1:
            continue  # it was left as it is, because it would not have become smaller
        _, raw = dataset.id.read_direct_chunk(place.chunk_offset)
        if len(zlib.decompressobj().decompress(raw, piece + 1)) > piece:
            raise ValueError(f"`{dataset.name}` unpacks to more than it declares")


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
        scope = _layer_name(weights[0].parent) or group
        for tensor, dataset in zip(_tensor_names(weights), weights, strict=True):
            arrays[f"{scope}/{tensor}"] = dataset
    return arrays


def _layer_name(group: Any) -> str:
    """What the attribute `name` of a layer says, where it is one text."""
    if "name" not in group.attrs or group.attrs.get_id("name").shape != ():
        return ""
    return str(group.attrs["name"])


def _tensor_names(weights: Sequence[Any]) -> Sequence[str]:
    """What the weights of one layer are, going by how many there are."""
    if len(weights) == 1:
        return ("kernel",)
    if len(weights) == 2 and weights[0].ndim == 2:
        return "kernel", "bias"
    if len(weights) == 2:
        return "depthwise_kernel", "pointwise_kernel"
    return _NORM if len(weights) == 4 else [str(number) for number in range(len(weights))]
