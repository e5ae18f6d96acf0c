"""Exports: every file computes what the network computes, or does not appear."""

import copy
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy
import pytest

import nasdsl
from nasdsl import library
from nasdsl.api.compile import compiled_graph
from nasdsl.errors import CellError
from nasdsl.export import SUFFIXES, Written, formats, require_exportable, write
from nasdsl.language.parser.read import read_model
from nasdsl.network import network_graph
from nasdsl.network.self_contained import network_text

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("safetensors", reason="models are saved with it")

from nasdsl_backends.torch import Network  # noqa: E402

from tests.thorough import many  # noqa: E402
from tests.torch_networks import (  # noqa: E402
    KINDS,
    built,
    image,
    random_graphs,
    randomised,
    small,
)

HAS_ONNX = all(find_spec(name) for name in formats.FORMATS[".onnx"].needs)
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="the extra `onnx` is not installed")
WRITTEN = [
    suffix if suffix != ".onnx" else pytest.param(suffix, marks=needs_onnx) for suffix in SUFFIXES
]
TINY = """\
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i], max_pool_3x3, identity, add)
}

cell reduction {
    b0 = (h[i], h[i], max_pool_3x3, sep_conv_3x3, add)
}
"""
TINY_NETWORK = {"stem": "cifar", "N": 1, "filters": 24, "image_size": 17, "classes": 3}
PRESETS = [
    name
    for name in library.names()
    if nasdsl.load_space(name).settings.given() and nasdsl.count(nasdsl.load_space(name)) == 1
]


def network(kind: str = "nasnet_a_cifar", **settings: object) -> Network:
    """A small network with weights that matter."""
    settings.setdefault("image_size", 33)
    return randomised(built(small(kind, **settings), seed=0)).eval()


def smaller() -> Network:
    """A network of three cells: exporters take their time."""
    return network("pnasnet5", skeleton="pnasnet", stem="cifar")


def logits(net: Any, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return net(pixels)


def codes(call: Callable[[], object]) -> list[str]:
    """The codes of the diagnostics a call ends in."""
    with pytest.raises(CellError) as caught:
        call()
    return [found.code for found in caught.value.diagnostics]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Written]:
    """`smaller`, in training, written once in the format of a suffix, to a folder of its own."""

    @cache
    def exported(suffix: str) -> Written:
        net = smaller().train()
        before = copy.deepcopy(net.state_dict())
        written = write(net, tmp_path_factory.mktemp("exported") / f"model{suffix}")
        assert net.training
        for name, tensor in net.state_dict().items():
            assert torch.equal(tensor, before[name])
        return written

    return exported


# -- agreement ----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", WRITTEN)
def test_files_agree(suffix: str, exported: Callable[[str], Written]) -> None:
    """Each format is written, alone in its folder, with the mode of any new file."""
    written = exported(suffix)
    path = Path(written.path)
    assert written.relative_error <= 1e-5
    assert written.bytes == path.stat().st_size
    assert os.listdir(path.parent) == [path.name]
    require_nothing_of_the_machine(path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def require_nothing_of_the_machine(path: Path) -> None:
    """No folder of the writer, of its packages or of nasdsl stands in a file, nor its own name."""
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content = b"".join(name.encode() + archive.read(name) for name in archive.namelist())
    folders = {Path.cwd(), Path.home(), path.parent, Path(sys.prefix), *map(Path, sys.path)}
    folders |= {Path(nasdsl.__file__).parents[1], Path(torch.__file__).parents[1]}
    roots = {str(folder) for folder in folders if folder.is_absolute() and len(folder.parts) > 1}
    words = (*roots, "site-packages", "stack_trace", f".{path.name}")
    assert [word for word in words if word.encode() in content] == []


@needs_onnx
def test_dynamic_sizes(tmp_path: Path) -> None:
    """Images that differ by multiples of the stride, each way, give the network's logits."""
    import onnxruntime

    net = Network(compiled_graph(nasdsl.loads(TINY), **TINY_NETWORK)).eval()
    path = tmp_path / "model.onnx"
    assert write(net, path, dynamic_size=True).relative_error <= 1e-5
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()
    assert image.shape == ["batch", 3, "4*rows + 1", "4*columns + 1"]
    images = torch.randn(3, 3, 13, 37)
    (found,) = session.run(None, {"image": images.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), logits(net, images), rtol=1e-4, atol=1e-5)


def test_a_single_pixel_has_no_dynamic_size(tmp_path: Path) -> None:
    """A map of one pixel is computed in another way than a larger one."""
    net = network("pnasnet5", skeleton="pnasnet", stem="cifar", image_size=7)
    assert codes(lambda: write(net, tmp_path / "a.pt2", dynamic_size=True)) == ["NAS708"]
    assert os.listdir(tmp_path) == []


@needs_onnx
def test_random_genotypes_agree(tmp_path: Path) -> None:
    """Eager, .pt2 and ONNX Runtime agree on random genotypes at odd sizes and any batch.

    200 of them with HYPOTHESIS_PROFILE=thorough; `test_source` does the same for .py.
    """
    for graph in random_graphs(many(200, usually=2), seed=3, largest=48):
        net = randomised(built(graph, seed=0)).eval()
        for suffix in (".pt2", ".onnx"):
            assert write(net, tmp_path / f"model{suffix}").relative_error <= 1e-5


@needs_onnx
def test_onnx_takes_any_batch_and_states_its_opset(exported: Callable[[str], Written]) -> None:
    """Batches of 1 and 5 through ONNX Runtime; opset 18; the weights are in the file."""
    import onnx
    import onnxruntime

    net, path = smaller(), exported(".onnx").path
    model = onnx.load(path)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == [
        "image",
        "logits",
    ]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in (1, 5):
        pixels = image(net.graph, batch, seed=batch)
        (found,) = session.run(None, {"image": pixels.numpy()})
        expected = logits(net, pixels).numpy()
        assert numpy.abs(found - expected).max() <= 1e-5 * numpy.abs(expected).max()


def test_programs_run_without_nasdsl(exported: Callable[[str], Written], tmp_path: Path) -> None:
    """A .pt2 file in an interpreter that cannot import nasdsl gives the same logits.

    It holds its `.cell` text too.
    """
    net, path = smaller(), exported(".pt2").path
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("nasdsl.cell"))
        text = archive.read(name).decode()
    assert network_graph(nasdsl.loads(text)) == net.graph
    pixels = image(net.graph, 3)
    torch.save(pixels, tmp_path / "pixels.pt")
    code = (
        "import sys; sys.modules['nasdsl'] = sys.modules['nasdsl_backends'] = None\n"
        "import torch\n"
        "net = torch.export.load(sys.argv[1]).module()\n"
        "torch.save(net(torch.load('pixels.pt')).detach(), 'logits.pt')\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, path], check=True, cwd=tmp_path)
    torch.testing.assert_close(torch.load(tmp_path / "logits.pt"), logits(net, pixels))


# -- models that are built again --------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_models_are_built_again(kind: str, tmp_path: Path) -> None:
    """The file alone gives the same graph, weights and logits."""
    net, path = network(kind, image_size=45), tmp_path / "model.safetensors"
    write(net, path)
    again = nasdsl.compile(path).eval()
    assert again.graph == net.graph
    assert torch.equal(logits(again, image(net.graph)), logits(net, image(net.graph)))
    assert nasdsl.cost(path).params == sum(p.numel() for p in net.parameters())


def test_models_keep_what_training_knows(tmp_path: Path) -> None:
    """The auxiliary classifier, the progress of drop path and another number of classes."""
    net, path = network(auxiliary=True, image_size=32), tmp_path / "model.safetensors"
    net.reset_classifier(5)
    net.set_progress(0.25)
    write(net, path)
    again = nasdsl.compile(str(path))
    assert again.num_classes == 5
    assert float(again.progress) == 0.25
    for name, tensor in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.parametrize("name", PRESETS)
def test_texts_say_everything(name: str) -> None:
    """The text of a network, and nothing else, gives its graph again."""
    graph = network_graph(nasdsl.load(name))
    assert network_graph(nasdsl.loads(network_text(graph))) == graph


OWN = """\
vocabulary mine

op sep_conv_3x3 = [conv(5x5, stride)]
op fit          = [conv(1x1, stride)]

combine add = [sum]
"""
USES_OWN = """\
genotype own
ops mine

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, fit, add)
}

cell reduction {
    b0 = (h[i], h[i-1], sep_conv_3x3, fit, add)
}
"""


def test_the_way_paths_are_dropped_is_kept(tmp_path: Path) -> None:
    """A model says that it drops paths plainly; source, which cannot, is refused."""
    net = nasdsl.compile("nasnet_a_cifar", N=1, filters=24, drop_path=0.3, drop_path_mode="plain")
    write(net, tmp_path / "plain.safetensors")
    assert nasdsl.compile(tmp_path / "plain.safetensors").drop_path_mode == "plain"
    again = nasdsl.compile(tmp_path / "plain.safetensors", drop_path_mode="scheduled")
    assert again.drop_path_mode == "scheduled"
    assert codes(lambda: write(net, tmp_path / "plain.py")) == ["NAS708"]
    assert os.listdir(tmp_path) == ["plain.safetensors"]


def test_models_need_no_other_file(tmp_path: Path) -> None:
    """Ops of a vocabulary of one's own go along; files beside the model mean nothing to it."""
    (tmp_path / "mine.cell").write_text(OWN)
    (tmp_path / "own.cell").write_text(USES_OWN)
    net = nasdsl.compile(
        tmp_path / "own.cell", N=1, filters=16, stem="cifar", image_size=16, classes=3, seed=0
    ).eval()
    path = tmp_path / "elsewhere" / "model.safetensors"
    path.parent.mkdir()
    write(net, path)
    (path.parent / "nasnet.cell").write_text(OWN.replace("mine", "nasnet"))
    again = nasdsl.compile(path).eval()
    assert torch.equal(logits(again, image(net.graph)), logits(net, image(net.graph)))
    assert "vocabulary" not in read_model(path).text
    assert "op sep_conv_3x3 = [conv(5x5, stride)]" in read_model(path).text


def test_settings_that_do_not_fit_the_weights_are_refused(tmp_path: Path) -> None:
    """Another number of classes is one diagnostic with both shapes; another rate is fine."""
    path = tmp_path / "model.safetensors"
    write(network(), path)
    assert codes(lambda: nasdsl.compile(path, classes=3)) == ["NAS801"]
    assert nasdsl.compile(path, drop_path=0.1).graph.configuration.drop_path == 0.1
    meta = nasdsl.compile(path, device="meta")
    assert all(parameter.is_meta for parameter in meta.parameters())
    assert isinstance(nasdsl.loading.load(path), nasdsl.Genotype)


DAMAGED = {
    "cut in the weights": lambda data: data[:-100],
    "cut in the header": lambda data: data[:300],
    "cut in the length": lambda data: data[:4],
    "empty": lambda data: b"",
    "a header of any length": lambda data: b"\xff" * 8 + data[8:],
    "no JSON": lambda data: data[:8] + b"x" * (len(data) - 8),
    "a header that is a list": lambda data: b"\2" + b"\0" * 7 + b"[]",
    "nested without end": lambda data: (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "without a text": lambda data: data.replace(b"nasdsl.cell", b"nasdsl.xell"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_models_are_refused(damage: str, tmp_path: Path) -> None:
    """One diagnostic, whatever is wrong with the file."""
    path = tmp_path / "model.safetensors"
    write(network(), path)
    path.write_bytes(DAMAGED[damage](path.read_bytes()))
    assert codes(lambda: nasdsl.compile(path)) == ["NAS802"]


# -- files that do not appear -----------------------------------------------------------------


def untouched(folder: Path) -> bool:
    """The folder holds what it held: one file."""
    return [path.read_text() for path in folder.iterdir()] == ["before"]


def wrong(request: Any, path: Path) -> list[torch.Tensor]:
    """Logits that are off by a ten-thousandth."""
    return [logits(request.net, pixels) * 1.0001 for pixels in request.images]


def stopped(request: Any, path: Path) -> None:
    """An interrupted writer."""
    path.write_bytes(b"half")
    raise KeyboardInterrupt


def full(request: Any, path: Path) -> None:
    """A writer that finds the disk full."""
    path.write_bytes(b"half")
    raise OSError(28, "No space left on device")


def fails(request: Any, path: Path) -> None:
    """An exporter at its wits' end."""
    raise RuntimeError("unsupported\nand a long story")


def not_a_number(request: Any, path: Path) -> list[torch.Tensor]:
    return [torch.full((len(pixels), 7), float("nan")) for pixels in request.images]


def shorter(request: Any, path: Path) -> list[torch.Tensor]:
    return [torch.zeros(len(pixels), 6) for pixels in request.images]


@pytest.mark.parametrize(
    ("function", "replaced", "code"),
    [
        ("logits", wrong, "NAS705"),
        ("logits", not_a_number, "NAS705"),
        ("logits", shorter, "NAS705"),
        ("logits", fails, "NAS705"),
        ("write", fails, "NAS708"),
        ("write", full, "NAS006"),
    ],
)
def test_failures_leave_no_file(
    function: str, replaced: object, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong, the file that was there is still there, and no other."""
    path = tmp_path / "model.safetensors"
    path.write_text("before")
    monkeypatch.setattr(f"nasdsl.export.model_file.{function}", replaced)
    assert codes(lambda: write(network(), path)) == [code]
    assert untouched(tmp_path)


def test_interruptions_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while writing."""
    path = tmp_path / "model.safetensors"
    path.write_text("before")
    monkeypatch.setattr("nasdsl.export.model_file.write", stopped)
    with pytest.raises(KeyboardInterrupt):
        write(network(), path)
    assert untouched(tmp_path)


def test_source_that_does_not_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other interpreter's last line is the reason."""
    from nasdsl_backends import source

    monkeypatch.setattr(source._SourceBackend, "build", lambda *_, **__: "raise OSError('no')")
    with pytest.raises(CellError, match="OSError: no"):
        write(network(), tmp_path / "model.py")
    assert os.listdir(tmp_path) == []


def test_what_is_there_is_replaced(tmp_path: Path) -> None:
    """A link is followed and a mode kept."""
    real, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    real.write_text("before")
    real.chmod(0o600)
    link.symlink_to(real)
    write(network(), link)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert nasdsl.compile(real).num_classes == 7


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("model.pth", "NAS007"),
        ("model", "NAS007"),
        ("model.safetensor", "NAS007"),
        ("missing/model.pt2", "NAS006"),
        ("folder.pt2", "NAS006"),
        (f"{'x' * 300}.pt2", "NAS006"),
    ],
)
def test_bad_paths_are_known_at_once(name: str, code: str, tmp_path: Path) -> None:
    """`require_exportable` and `write` refuse with the same code and make nothing."""
    (tmp_path / "folder.pt2").mkdir()
    assert codes(lambda: require_exportable(tmp_path / name)) == [code]
    assert codes(lambda: write(network(), tmp_path / name)) == [code]
    assert os.listdir(tmp_path) == ["folder.pt2"]


def test_unknown_suffixes_are_guessed(tmp_path: Path) -> None:
    """The nearest suffix is proposed."""
    with pytest.raises(CellError, match=r"did you mean \.safetensors\?"):
        require_exportable(tmp_path / "model.safetensor")


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NAS701 with the command that installs them."""
    monkeypatch.setattr("nasdsl.registry.find_spec", lambda name: None)
    with pytest.raises(CellError, match=r'pip install "\.\[onnx\]"') as caught:
        require_exportable(tmp_path / "model.onnx")
    assert [found.code for found in caught.value.diagnostics] == ["NAS701"]


def test_networks_without_values_are_refused(tmp_path: Path) -> None:
    """The meta device, no classifier, weights that are spoilt."""
    path = tmp_path / "model.safetensors"
    meta = built(small("nasnet_a_cifar"), device="meta")
    assert codes(lambda: write(meta, path)) == ["NAS708"]
    headless = network()
    headless.reset_classifier(0)
    assert codes(lambda: write(headless, path)) == ["NAS708"]
    spoilt = network()
    torch.nn.init.constant_(spoilt.get_classifier().bias, float("nan"))
    assert codes(lambda: write(spoilt, path)) == ["NAS706"]
    with pytest.raises(CellError, match="not a Linear"):
        write(torch.nn.Linear(1, 1), path)
    assert os.listdir(tmp_path) == []


def test_half_precision_is_written(tmp_path: Path) -> None:
    """A bfloat16 network as .py and .safetensors, within what eight bits of mantissa allow."""
    net = network().to(torch.bfloat16)
    for suffix in (".py", ".safetensors"):
        assert write(net, tmp_path / f"model{suffix}").relative_error < 5e-2


def test_exporting_imports_no_torch() -> None:
    """The command line looks at suffixes before it waits for PyTorch."""
    code = "import sys, nasdsl.export; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
