"""Files of weights: every format is read, damage and danger are refused."""

import io
import json
import pickle
import random
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.text import genotype_text
from nasdsl.weights.files import opened_weights, unwrapped_weights
from nasdsl.weights.stored import Stored

torch = pytest.importorskip("torch", reason="files of weights are read with torch")
safetensors_torch = pytest.importorskip("safetensors.torch")
h5py = pytest.importorskip("h5py", reason="Keras' files are HDF5")

ARRAYS = {
    "stem_conv1/kernel": numpy.arange(24, dtype="f4").reshape(1, 2, 3, 4),
    "stem_bn1/gamma": numpy.linspace(0, 1, 4, dtype="f4"),
    "predictions/bias": numpy.array([1.5], "f4"),
}


def _tensors() -> dict[str, Any]:
    return {name: torch.from_numpy(array.copy()) for name, array in ARRAYS.items()}


def _npz(path: Path) -> None:
    with path.open("wb") as file:
        numpy.savez(file, **ARRAYS)  # type: ignore[arg-type]


def _compressed(path: Path) -> None:
    with path.open("wb") as file:
        numpy.savez_compressed(file, **ARRAYS)  # type: ignore[arg-type]


def _safetensors(path: Path) -> None:
    safetensors_torch.save_file(_tensors(), path, {"format": "pt"})


def _torch(path: Path) -> None:
    torch.save(_tensors(), path)


def _old_torch(path: Path) -> None:
    torch.save(_tensors(), path, _use_new_zipfile_serialization=False)


def _checkpoint(path: Path) -> None:
    torch.save({"epoch": 3, "arch": "nasnet", "state_dict": _tensors(), "best": 0.5}, path)


def _hdf5(path: Path) -> None:
    """Keras 2 and Keras 3's `.h5`: layers, scopes, weights."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.2.4"
        for name, array in ARRAYS.items():
            file[f"{name.split('/')[0]}/some/scope/{name}:0"] = array


def _hdf5_model(path: Path) -> None:
    """A whole model: what the optimizer keeps is left aside."""
    with h5py.File(path, "w") as file:
        for name, array in ARRAYS.items():
            file[f"model_weights/{name.split('/')[0]}/{name}"] = array
        file["optimizer_weights/adam/m:0"] = numpy.zeros(3)


def _numbered(file: Any) -> None:
    layers = {
        "stem_conv1": [ARRAYS["stem_conv1/kernel"]],
        "stem_bn1": [ARRAYS["stem_bn1/gamma"], *numpy.zeros((3, 4), "f4")],
        "predictions": [numpy.zeros((4, 1), "f4"), ARRAYS["predictions/bias"]],
        "separable": [numpy.zeros((3, 3, 4, 1), "f4"), numpy.ones((1, 1, 4, 2), "f4")],
        "activation": [],
    }
    for number, (name, weights) in enumerate(layers.items()):
        group = file.create_group(f"layers/kind_{number}/vars")
        group.attrs["name"] = name
        for index, array in enumerate(weights):
            group[str(index)] = array
    file["optimizer/vars/0"] = numpy.zeros(3)


def _keras_weights(path: Path) -> None:
    with h5py.File(path, "w") as file:
        _numbered(file)


def _keras(path: Path) -> None:
    inner = io.BytesIO()
    with h5py.File(inner, "w") as file:
        _numbered(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", inner.getvalue())


WRITERS: list[Callable[[Path], None]] = [
    _npz,
    _compressed,
    _safetensors,
    _torch,
    _old_torch,
    _checkpoint,
    _hdf5,
    _hdf5_model,
    _keras_weights,
    _keras,
]
PLAIN = [_npz, _compressed, _safetensors, _torch, _old_torch]


#: Of the networks that the files are for, in bytes.
SIZE = 1000


def read_weights(path: Path) -> dict[str, Any]:
    """What a file holds, its arrays read."""
    with opened_weights(path, SIZE) as found:
        return {
            name: value.read() if isinstance(value, Stored) and value.is_numeric else value
            for name, value in found.items()
        }


def _read(path: Path) -> dict[str, Any]:
    found = unwrapped_weights(read_weights(path))
    return {"/".join(name.removesuffix(":0").split("/")[-2:]): found[name] for name in found}


def _finding(path: Path) -> Any:
    with pytest.raises(CellError) as caught:
        read_weights(path)
    (found,) = caught.value.diagnostics
    return found


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("suffix", [".pth.tar", ".bin", ""])
def test_formats(write: Callable[[Path], None], suffix: str, tmp_path: Path) -> None:
    """Every format gives the arrays it was given, whatever the file is called."""
    path = tmp_path / f"weights{suffix}"
    write(path)
    found = _read(path)
    assert all(numpy.array_equal(numpy.asarray(found[name]), ARRAYS[name]) for name in ARRAYS)
    numbered = write in (_keras, _keras_weights)
    assert (len(found) == len(ARRAYS)) != numbered


def test_numbered_weights_get_names(tmp_path: Path) -> None:
    """Keras 3 numbers a layer's weights; how many there are, and their axes, name them."""
    _keras(tmp_path / "model.keras")
    norm = ("gamma", "beta", "moving_mean", "moving_variance")
    assert set(_read(tmp_path / "model.keras")) == {
        "stem_conv1/kernel",
        *(f"stem_bn1/{name}" for name in norm),
        "predictions/kernel",
        "predictions/bias",
        "separable/depthwise_kernel",
        "separable/pointwise_kernel",
    }


def test_narrow_types(tmp_path: Path) -> None:
    """bfloat16, which numpy lacks, comes through .safetensors and .pt."""
    tensors = {"x": torch.tensor([1.5, 2.5], dtype=torch.bfloat16)}
    safetensors_torch.save_file(tensors, tmp_path / "a")
    torch.save(tensors, tmp_path / "b")
    for name in "ab":
        assert torch.equal(read_weights(tmp_path / name)["x"], tensors["x"])


# -- danger -----------------------------------------------------------------------------

CANARY: list[str] = []


def _sing(name: str) -> None:
    CANARY.append(name)


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _sing, ("here",)


def _trapped_zip(path: Path) -> None:
    torch.save({"weight": torch.zeros(2), "extra": Trap()}, path)


def _trapped_old(path: Path) -> None:
    torch.save({"x": Trap()}, path, _use_new_zipfile_serialization=False)


def _trapped_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"x": Trap()}))


def _trapped_npz(path: Path) -> None:
    with path.open("wb") as file:
        numpy.savez(file, weight=numpy.zeros(2), extra=numpy.array([Trap()], object))


def _whole_module(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), path)


TRAPS = [_trapped_zip, _trapped_old, _trapped_pickle, _trapped_npz, _whole_module]


@pytest.mark.parametrize("write", TRAPS)
def test_code_is_never_run(write: Callable[[Path], None], tmp_path: Path) -> None:
    """A file that names a function is refused, with the reason, and the function not called."""
    path = tmp_path / "weights.pt"
    write(path)
    CANARY.clear()
    found = _finding(path)
    assert CANARY == []
    assert found.code == "NAS803"
    assert "could run code" in found.message
    assert "weights_only" not in str(found)  # no hint how to do it all the same
    assert any("safetensors" in hint for hint in found.hints)


def test_the_trap_works(tmp_path: Path) -> None:
    """The canary would sing if the file were unpickled."""
    _trapped_pickle(tmp_path / "x")
    CANARY.clear()
    pickle.loads((tmp_path / "x").read_bytes())
    assert CANARY == ["here"]


def test_what_was_refused_is_named(tmp_path: Path) -> None:
    """The message says what the pickle asks for."""
    _whole_module(tmp_path / "net.pth")
    assert "`torch.nn.modules.linear.Linear`" in _finding(tmp_path / "net.pth").message


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_programs_are_refused(tmp_path: Path) -> None:
    """A TorchScript archive is a program, and no file of weights."""
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "net.pt")
    found = _finding(tmp_path / "net.pt")
    assert found.code == "NAS803"
    assert "TorchScript" in found.message


# -- damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_cut_short(write: Callable[[Path], None], share: float, tmp_path: Path) -> None:
    """A download that broke off is refused in one finding."""
    path = tmp_path / "weights"
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(len(whole) * share))])
    assert _finding(path).code == "NAS802"


@given(st.sampled_from(PLAIN), st.randoms(use_true_random=False))
def test_damaged(
    tmp_path_factory: pytest.TempPathFactory,
    write: Callable[[Path], None],
    dice: random.Random,
) -> None:
    """Bytes changed anywhere give other numbers or one finding, and run nothing."""
    path = tmp_path_factory.mktemp("damaged") / "weights"
    write(path)
    data = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 8)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    path.write_bytes(data)
    CANARY.clear()
    try:
        read_weights(path)
    except CellError as error:
        (found,) = error.diagnostics
        assert found.code in ("NAS802", "NAS803")
    assert CANARY == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"\x80",
        b"PK\x03\x04",
        b"\x89HDF\r\n\x1a\n",
        json.dumps({"weight": [1, 2]}).encode(),
        b"\xff" * 8 + b"{",
        (2**62).to_bytes(8, "little") + b"{" + b" " * 100,
        b"\0" * 1000,
    ],
)
def test_no_weights_at_all(data: bytes, tmp_path: Path) -> None:
    """Empty files, texts and broken headers are refused, whatever they claim to hold."""
    path = tmp_path / "weights.npz"
    path.write_bytes(data)
    assert _finding(path).code == "NAS802"


def test_a_list_of_tensors(tmp_path: Path) -> None:
    """Tensors without names are no checkpoint."""
    torch.save([torch.zeros(2)], tmp_path / "x.pt")
    assert "list" in _finding(tmp_path / "x.pt").message


# -- bombs ------------------------------------------------------------------------------

GIANT = 2**33


def _npz_bomb(path: Path) -> None:
    """An array of 32 GB, of which nothing is there."""
    header = io.BytesIO()
    numpy.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (GIANT,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stem.conv.weight.npy", header.getvalue())


def _npz_header_bomb(path: Path) -> None:
    """An array whose header has 100 MB."""
    start = b"\x93NUMPY\x02\x00" + (10**8).to_bytes(4, "little")
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("stem.conv.weight.npy", "w") as member,
    ):
        member.write(start)
        for _ in range(10):
            member.write(b" " * 10**7)


def _hdf5_bomb(path: Path) -> None:
    """An array of 32 GB, of which nothing is stored."""
    with h5py.File(path, "w") as file:
        file.create_dataset("stem/conv.weight", (GIANT,), "f4")


def _keras_bomb(path: Path) -> None:
    """A file of 200 MB that is all zeros."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("model.weights.h5", "w") as member,
    ):
        for _ in range(20):
            member.write(bytes(10**7))


def _compressed_torch(path: Path) -> None:
    """A checkpoint that was compressed, so that its length says nothing."""
    plain = path.with_suffix(".plain")
    torch.save({"stem.conv.weight": torch.zeros(10**7)}, plain)
    with (
        zipfile.ZipFile(plain) as archive,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
    ):
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))


def _safetensors_bomb(path: Path) -> None:
    """A header of 20 MB."""
    header = b"{" + b" " * 20_000_000 + b"}"
    path.write_bytes(len(header).to_bytes(8, "little") + header)


BOMBS = [
    _npz_bomb,
    _npz_header_bomb,
    _hdf5_bomb,
    _keras_bomb,
    _compressed_torch,
    _safetensors_bomb,
]


@pytest.mark.parametrize("write", BOMBS)
def test_bombs(write: Callable[[Path], None], tmp_path: Path) -> None:
    """A small file that unpacks to something giant is refused before it is unpacked."""
    path = tmp_path / "weights"
    write(path)
    net = nasdsl.compile("nasnet_a_cifar", N=1, filters=96, device="meta")
    tracemalloc.start()
    try:
        with pytest.raises(CellError) as caught:
            nasdsl.weights.load(net, path, layout="native")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.diagnostics[0].code in ("NAS801", "NAS802")
    assert most < 10_000_000


@pytest.mark.parametrize("filters", [{}, {"shuffle": True}, {"fletcher32": True}])
def test_a_piece_that_unpacks_to_more(filters: dict[str, Any], tmp_path: Path) -> None:
    """HDF5 would unpack a piece to whatever length comes out; compressed arrays are read."""
    values = numpy.arange(1000, dtype="f4")
    with h5py.File(tmp_path / "good.h5", "w") as file:
        file.create_dataset("a/kernel", data=values, compression="gzip", **filters)
    assert numpy.array_equal(read_weights(tmp_path / "good.h5")["a/kernel"], values)
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        made = file.create_dataset("a/kernel", (1000,), "f4", chunks=(1000,), compression="gzip")
        made.id.write_direct_chunk((0,), zlib.compress(bytes(10**7)))
    found = _finding(tmp_path / "bad.h5")
    assert found.code == "NAS802"
    assert "more than it declares" in found.hints[0]


def test_pieces_of_other_kinds(tmp_path: Path) -> None:
    """Giant pieces of small arrays, and compressions whose bounds are unknown, are refused."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a/kernel", (5,), "f4", maxshape=(None,), chunks=(10**8,))
    assert "pieces of 400,000,000 bytes" in _finding(tmp_path / "a.h5").hints[0]
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("a/kernel", data=numpy.zeros(1000), compression="lzf")
    assert "a way that is not read" in _finding(tmp_path / "b.h5").hints[0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_of_other_kinds(method: int, tmp_path: Path) -> None:
    """bzip2 and LZMA take whatever memory they like, and no program writes weights so."""
    pytest.importorskip("bz2" if method == zipfile.ZIP_BZIP2 else "lzma")
    with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
        archive.writestr("a.npy", b"x")
    assert "a way that is not read" in _finding(tmp_path / "x.npz").hints[0]


def test_flipped_bits(tmp_path: Path) -> None:
    """PyTorch's checksums are compared, of tensors too."""
    torch.save({"x": torch.arange(1000.0)}, tmp_path / "x.pt")
    data = (tmp_path / "x.pt").read_bytes()
    at = data.index(numpy.arange(500, 510, dtype="<f4").tobytes())
    (tmp_path / "x.pt").write_bytes(data[:at] + b"\x01" + data[at + 1 :])
    assert "checksum" in _finding(tmp_path / "x.pt").hints[0]


def test_numpy_numbers_in_a_checkpoint(tmp_path: Path) -> None:
    """Numpy's numbers are data; its arrays of objects are not."""
    numbers = {f"{code}": numpy.dtype(code).type(1) for code in "?bhilqBHILQefd"}
    torch.save({"best": numbers, "state_dict": {"x": torch.ones(2)}}, tmp_path / "x.pt")
    assert read_weights(tmp_path / "x.pt")["best"] == numbers
    old = pickle.dumps({"x": numpy.float64(0.5)}, 2).replace(b"numpy._core", b"numpy.core")
    with zipfile.ZipFile(tmp_path / "y.pt", "w") as archive:
        archive.writestr("y/data.pkl", old)
        archive.writestr("y/version", "3")
    assert read_weights(tmp_path / "y.pt") == {"x": 0.5}
    torch.save({"x": numpy.array([Trap()], object)}, tmp_path / "z.pt")
    assert _finding(tmp_path / "z.pt").code == "NAS803"


# -- files that are something else ------------------------------------------------------


def test_no_such_file(tmp_path: Path) -> None:
    """A file that is not there, and a folder, are told as the system tells them."""
    assert "No such file" in _finding(tmp_path / "none.npz").message
    assert _finding(tmp_path / "none.npz").code == "NAS001"
    assert _finding(tmp_path).code == "NAS001"


@pytest.mark.parametrize(
    "name", ["model.ckpt.index", "model.ckpt-250000.data-00000-of-00001", "frozen.pb", "model.ckpt"]
)
def test_tensorflow(name: str, tmp_path: Path) -> None:
    """TensorFlow's files are known by name, and the hint says what to type."""
    (tmp_path / name).write_bytes(b"\0\x01\x02" * 20)
    found = _finding(tmp_path / name)
    assert "TensorFlow" in found.message
    assert any("load_checkpoint" in hint for hint in found.hints)


def test_tensorflow_by_its_prefix(tmp_path: Path) -> None:
    """A checkpoint is named by the prefix of its files, which is no file itself."""
    (tmp_path / "model.ckpt.index").write_bytes(b"\0" * 20)
    assert "TensorFlow" in _finding(tmp_path / "model.ckpt").message


def test_arrays_in_other_files(tmp_path: Path) -> None:
    """HDF5 may point at any file on the machine; such arrays are refused, links not followed."""
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(40)))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("a/kernel", (10,), "f4", external=[(str(secret), 0, 40)])
    assert "in another file" in _finding(tmp_path / "x.h5").message
    _hdf5(tmp_path / "other.h5")
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["a/kernel"] = numpy.zeros(3)
        file["b"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/predictions")
    assert list(read_weights(tmp_path / "y.h5")) == ["a/kernel"]


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras' files need h5py, and the finding says how to get it."""
    _hdf5(tmp_path / "x.h5")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    found = _finding(tmp_path / "x.h5")
    assert found.code == "NAS701"
    assert found.hints == ('run `pip install ".[torch]"` in a checkout of nasdsl',)


def test_a_model_of_a_network_that_is_larger_than_itself(tmp_path: Path) -> None:
    """A text of a few lines asks for any memory: it is refused before weights are drawn."""
    settings = Settings(N=200, filters=999_984)
    text = genotype_text(nasdsl.load("nasnet_a").with_settings(settings))
    path = tmp_path / "model.safetensors"
    safetensors_torch.save_file({"a": torch.zeros(3)}, path, {"nasdsl.cell": text})
    with pytest.raises(CellError, match="NAS801"):
        nasdsl.compile(path)
    with pytest.raises(CellError, match="NAS707"):
        nasdsl.compile("nasnet_a", N=200, filters=999_984)
