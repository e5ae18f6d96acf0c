"""Runtimes compute what the network computes, or say why they cannot; `bench` measures them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from nasdsl_backends.torch import Network
from torch import Tensor, nn

import nasdsl
from nasdsl import export, runtimes
from nasdsl.api import bench as benching
from nasdsl.api.bench import Contender, bench, serve
from nasdsl.api.compile import compiled_graph
from nasdsl.errors import CellError, Diagnostic
from nasdsl.registry import installed_plugins
from nasdsl.runtimes import RUNTIMES
from tests.cli_run import runner
from tests.torch_networks import built, image, randomised

SETTINGS = {"N": 1, "filters": 48, "image_size": 8, "stem": "cifar", "classes": 3}
CONTENDER = Contender("nasnet_a", "eager", passes=("inference", "fold"), settings=SETTINGS)


def tiny(**settings: object) -> nn.Module:
    graph = compiled_graph("nasnet_a", **{**SETTINGS, **settings})
    return randomised(built(graph, seed=1)).eval()


def refused(work: Callable[[], object]) -> Diagnostic:
    with pytest.raises(CellError) as caught:
        work()
    (found,) = caught.value.diagnostics
    return found


def test_ours_are_installed() -> None:
    """Each is found by its own name and says what it is."""
    plugins = [plugin for plugin in installed_plugins() if plugin.kind == "runtimes"]
    ours = {"cuda_graphs", "cuda_streams", "eager", "inductor", "onnxruntime", "openvino"}
    assert {one.name for one in plugins} == ours
    for plugin in plugins:
        found = RUNTIMES.find(plugin.name)
        assert (found.name, bool(found.help)) == (plugin.name, True)


def test_eager() -> None:
    """It takes any batch and any size, and changes nothing."""
    net = tiny()
    call = runtimes.load(net, "eager", threads=1)
    for images in (image(net.graph, 3), image(net.graph, 1, 11)):
        with torch.inference_mode():
            torch.testing.assert_close(call(images), net(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_other_runtimes(name: str) -> None:
    """They run what is written of a network, for any batch, at its own size alone."""
    pytest.importorskip(name)
    net = tiny()
    for call in (runtimes.load(net, name, threads=1), nasdsl.optimize(net, runtime=name)):
        images = image(net.graph, 5)
        with torch.inference_mode():
            expected = net(images)
        assert float((call(images) - expected).abs().max() / expected.abs().max()) < 1e-5
        found = refused(lambda call=call: call(image(net.graph, 1, 9)))  # type: ignore[misc]
        assert (found.code, "(B, 3, 8, 8), not (1, 3, 9, 9)" in found.message) == ("NAS732", True)


@pytest.mark.parametrize("name", ["eager", "onnxruntime"])
def test_images_of_a_caller(name: str) -> None:
    """What does not fit is one finding; other floating-point numbers are converted both ways."""
    if name != "eager":
        pytest.importorskip(name)
    net = tiny()
    call = runtimes.load(net, name, threads=1)
    images = image(net.graph, 2)
    with torch.inference_mode():
        expected = net(images)
    for dtype in (torch.float64, torch.bfloat16):
        logits = call(images.to(dtype))
        assert logits.dtype == dtype
        torch.testing.assert_close(logits.float(), expected, rtol=5e-2, atol=5e-2)
    assert call(images[:0]).shape == (0, 3)
    wrong: list[tuple[Any, str, str]] = [
        (images[0], "NAS732", "not (3, 8, 8)"),
        (images[:, :2], "NAS732", "not (2, 2, 8, 8)"),
        (images.to(torch.uint8), "NAS732", "floating-point numbers, not of uint8"),
        (images.numpy(), "NAS008", "runtimes take tensors (B, C, H, W)"),
    ]
    for given, code, message in wrong:
        found = refused(lambda given=given: call(given))  # type: ignore[misc]
        assert (found.code, message in found.message) == (code, True)


def test_arguments_without_a_use() -> None:
    """Threads that nobody has, and what only a runtime has a use for."""
    net = tiny()
    for count in (0, -1, 5000):
        found = refused(lambda count=count: runtimes.load(net, "eager", threads=count))  # type: ignore[misc]
        assert (found.code, f"not {count}" in found.message) == ("NAS008", True)
    chosen: list[dict[str, Any]] = [
        {"threads": 1},
        {"dtype": "bfloat16"},
        {"calibration": image(net.graph)},
    ]
    for options in chosen:
        found = refused(lambda options=options: nasdsl.optimize(net, **options))  # type: ignore[misc]
        assert (found.code, "is for a runtime" in found.message) == ("NAS008", True)


def test_what_cannot_be_written_node_by_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's exporter traces a network with a primitive that the table lacks."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    genotype = nasdsl.loads("""
        genotype short
        ops nasnet
        cell normal { b0 = (h[i], h[i-1], sep_conv_3x3, avg_pool_3x3, add) }
        cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, identity, add) }
    """)
    chosen = {**SETTINGS, "skeleton": "nasnet", "filters": 16}
    net = nasdsl.optimize(randomised(built(compiled_graph(genotype, **chosen), seed=1)))
    monkeypatch.delitem(import_module("nasdsl.export.onnx_graph").EMISSIONS, "avg_pool")
    call = runtimes.load(net, "onnxruntime", threads=1)
    images = image(net.graph, 3)
    with torch.inference_mode():
        torch.testing.assert_close(call(images), net(images), rtol=1e-4, atol=1e-5)


def test_passes_that_a_runtime_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """`optimize` and `compile` run them, unless others are named."""
    seen = []
    eager = RUNTIMES.find("eager")

    def load(network: Network, threads: int) -> Callable[[Tensor], Tensor]:
        seen.append((network.graph.passes, threads))
        return eager.load(network, threads)

    wants = replace(eager, load=load, passes=("inference", "pad"))
    find = type(RUNTIMES).find
    monkeypatch.setattr(
        type(RUNTIMES),
        "find",
        lambda self, name: wants if self is RUNTIMES else find(self, name),
    )
    net = tiny()
    nasdsl.optimize(net, runtime="eager", threads=1)
    nasdsl.optimize(net, runtime="eager", threads=1, passes=["fold"])
    call = nasdsl.compile("nasnet_a", runtime="eager", threads=1, seed=0, **SETTINGS)
    assert call(image(net.graph, 2)).shape == (2, 3)
    own = net.graph.passes
    assert seen == [((*own, *passes), 1) for passes in (("inference", "pad"), ("fold",))] + seen[2:]
    assert seen[2][0][-2:] == ("inference", "pad")


def has_bfloat16() -> bool:
    """Whether this processor has instructions for it."""
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "bf16" in flags.read_text()


@pytest.mark.parametrize("name", ["eager", "openvino"])
def test_bfloat16(name: str) -> None:
    """A runtime computes in it where it is asked for; what goes in and comes out is the same."""
    net = tiny()
    if name == "openvino":
        pytest.importorskip(name)
        if not has_bfloat16():
            found = refused(lambda: nasdsl.optimize(net, runtime=name, dtype="bfloat16"))
            assert "no instructions for bfloat16" in found.message
            return
    call = nasdsl.optimize(net, runtime=name, threads=1, dtype="bfloat16")
    images = image(net.graph, 3)
    with torch.inference_mode():
        expected, logits = net(images), call(images)
    error = float((logits - expected).abs().max() / expected.abs().max())
    assert logits.dtype == torch.float32
    assert 1e-5 < error < 5e-2
    found = refused(lambda: runtimes.load(net, "onnxruntime", dtype="bfloat16"))
    assert "computes in `float32`, not in `bfloat16`" in found.message


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown names, packages that are not there, training, other types, wrong logits."""
    net = tiny()
    assert refused(lambda: runtimes.load(net, "eagre")).code == "NAS730"
    eager = RUNTIMES.find("eager")

    def instead(**changes: object) -> None:
        changed = replace(eager, **changes)  # type: ignore[arg-type]
        monkeypatch.setattr(type(RUNTIMES), "find", lambda self, name: changed)

    instead(needs=("no_such_package",), extra="openvino")
    found = refused(lambda: runtimes.load(net, "eager"))
    assert (found.code, "openvino" in found.hints[0]) == ("NAS701", True)
    instead(devices=("cuda",))
    found = refused(lambda: runtimes.load(net, "eager"))
    assert (found.code, "is on cpu" in found.message) == ("NAS732", True)
    instead(dtypes=("float64",))
    assert refused(lambda: runtimes.load(net, "eager")).code == "NAS732"
    instead(load=lambda network, threads: lambda images: network(images) * 1.001)
    assert refused(lambda: runtimes.load(net, "eager")).code == "NAS705"
    instead(load=lambda network, threads: 1 // 0)
    found = refused(lambda: runtimes.load(net, "eager"))
    assert (found.code, "ZeroDivisionError" in found.hints[0]) == ("NAS732", True)
    instead()
    assert refused(lambda: runtimes.load(net.train(), "eager")).code == "NAS709"


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_int8(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """ONNX Runtime's own tools quantise the network, with images and not without."""
    for package in ("onnxruntime", name):
        pytest.importorskip(package)
    net = tiny()
    images = image(net.graph, 8)
    call = nasdsl.optimize(net, runtime=name, dtype="int8", calibration=images, threads=1)
    with torch.inference_mode():
        expected, logits = net(images), call(images)
    error = float((logits - expected).abs().max() / expected.abs().max())
    assert 1e-5 < error < 0.2
    assert not caplog.records
    for wrong, message in (
        ({}, "cannot be quantised without images"),
        ({"calibration": images[:, :, :4]}, "is calibrated with 3 channels of 8x8"),
        ({"calibration": images / 0}, "is calibrated with images that are not finite"),
        ({"calibration": images, "runtime": "eager"}, "`eager` does not compute in int8"),
    ):
        chosen: dict[str, Any] = {"runtime": name, "dtype": "int8", **wrong}
        found = refused(lambda chosen=chosen: nasdsl.optimize(net, **chosen))  # type: ignore[misc]
        assert (found.code, message in found.message) == ("NAS732", True)
    found = refused(lambda: nasdsl.optimize(net, runtime=name, calibration=images))
    assert (found.code, "`calibration` is for dtype `int8`" in found.message) == ("NAS008", True)


#: A network in OpenVINO is given up by another thread than the one that loaded it.
GIVEN_UP = """
import gc, os, signal, threading
import nasdsl
net = nasdsl.compile("darts_v2", N=1, cell_filters=4, stem="cifar", image_size=8, classes=3)
calls = [nasdsl.optimize(net.eval(), runtime="openvino", threads=1)]
thread = threading.Thread(target=lambda: (calls.clear(), gc.collect()))
thread.start()
thread.join()
signal.signal(signal.SIGINT, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGINT)
"""


def test_signals_are_heard_after_openvino_was_given_up() -> None:
    """The plugin's stack for signals must not be taken away from a thread that still has it."""
    pytest.importorskip("openvino")
    ran = subprocess.run(
        [sys.executable, "-c", GIVEN_UP], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "heard\n"), ran.stderr


def test_eval_in_a_runtime(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`nasdsl eval --runtime` says how much of the accuracy a runtime and a data type keep."""
    for package in ("onnxruntime", "sklearn", "accelerate"):
        pytest.importorskip(package)
    run = runner(capfd, monkeypatch)
    model = tmp_path / "model.safetensors"
    digits = {**SETTINGS, "filters": 24, "input_channels": 1, "classes": 10}
    export.write(nasdsl.compile("nasnet_a", seed=0, **digits), model)
    flags = ("--runtime", "onnxruntime", "--threads", "1", "--json")
    exact, short = (
        json.loads(run("eval", str(model), *flags, *more).out) for more in ((), ("--dtype", "int8"))
    )
    assert exact["in_runtime"]["accuracy"] == exact["accuracy"]
    assert exact["in_runtime"]["loss"] == pytest.approx(exact["loss"], rel=1e-5)
    assert short["in_runtime"]["images"] == exact["images"]
    assert short["in_runtime"]["loss"] != exact["in_runtime"]["loss"]
    assert short["in_runtime"]["loss"] == pytest.approx(exact["loss"], rel=0.5)
    assert run("eval", str(model), "--dtype", "int8").code == 2
    assert "NAS730" in run("eval", str(model), "--runtime", "onxruntime").err


def test_inductor_is_asked_to_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are frozen while it compiles, once, and for nobody else."""
    from torch._inductor import config

    seen = []
    sizes = []

    def compiled(network: nn.Module) -> Callable[[Tensor], Tensor]:
        def call(images: Tensor) -> Tensor:
            seen.append(config.freezing)
            sizes.append(len(images))
            found = network(images)
            assert isinstance(found, Tensor)
            return found

        return call

    monkeypatch.setattr(torch, "compile", compiled)
    before = config.freezing
    runtimes.load(tiny(), "inductor", threads=1)
    assert set(seen) == {True}
    assert set(sizes) == {1}
    assert config.freezing is before


# -- bench ------------------------------------------------------------------------------------


@contextmanager
def in_a_thread(contender: Contender) -> Iterator[Connection]:
    """A contender in this process."""
    ours, theirs = Pipe()
    thread = Thread(target=serve, args=(theirs, contender))
    thread.start()
    with ours:
        yield ours
    thread.join()


def test_figures() -> None:
    """Every contender has its figures, and they fit together."""
    contenders = [CONTENDER, replace(CONTENDER, passes=None, batch=2)]
    measured = bench(contenders, 5, start=in_a_thread)
    assert [one.contender for one in measured] == contenders
    for one in measured:
        assert 0 < one.fastest <= one.latency
        assert one.spread >= 0
        assert one.images_per_second == one.contender.batch / one.latency
        assert one.relative_error < 1e-5
        assert one.peak_memory is None or one.peak_memory > 1e6
        assert one.weight_bytes > 4 * 1000


def test_turns() -> None:
    """Contenders run one batch each in turn; the first two rounds do not count."""
    log: list[str] = []

    @contextmanager
    def scripted(contender: Contender) -> Iterator[Connection]:
        ours, theirs = Pipe()

        def play() -> None:
            theirs.send(("loaded", (0.5, 0.0, 400)))
            took = 100.0
            while theirs.recv() == "run":
                log.append(contender.source)
                theirs.send(("took", took))
                took = {100.0: 99.0, 99.0: 3.0}.get(took, took - 1)
            theirs.send(("peak", 7))

        thread = Thread(target=play)
        thread.start()
        yield ours
        thread.join()

    measured = bench([Contender("a", "eager"), Contender("b", "eager")], 3, start=scripted)
    assert log == ["a", "b"] * 5
    assert [(one.latency, one.fastest) for one in measured] == [(2.0, 1.0)] * 2
    assert (measured[0].peak_memory, measured[0].weight_bytes) == (7, 400)


def test_a_contender_that_cannot_run() -> None:
    """Its finding is that of the measurement; so is its end."""
    wrong = replace(CONTENDER, passes=("fold", "nothing"))
    assert refused(lambda: bench([CONTENDER, wrong], 1, start=in_a_thread)).code == "NAS720"

    @contextmanager
    def dead(contender: Contender) -> Iterator[Connection]:
        ours, theirs = Pipe()
        theirs.close()
        yield ours

    found = refused(lambda: bench([CONTENDER], 1, start=dead))
    assert (found.code, "has died" in found.message) == ("NAS732", True)


def test_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A table of every network, and the same for scripts."""
    monkeypatch.setattr(benching, "in_a_process", in_a_thread)
    run = runner(capfd, monkeypatch)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    ran = run("bench", "nasnet_a", *flags, "--plain", "--rounds", "2", "--batch", "1,2")
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split() for line in ran.out.splitlines() if line.strip().startswith("eager")]
    assert [row[1] == "plain" for row in rows] == [True, False] * 2
    assert "nasnet_a  batch 2  1 thread" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 60
    ran = run("bench", "nasnet_a", *flags, "--rounds", "2", "--passes", "inference", "--json")
    (found,) = json.loads(ran.out)["measured"]
    assert found["contender"]["dtype"] is None
    assert found["contender"]["passes"] == ["inference"]
    assert found["latency"] > 0
    plot = tmp_path / "plot.svg"
    drawn = ("--rounds", "2", "--plot", str(plot))
    assert run("bench", "nasnet_a", *flags, *drawn, "--accuracy", "74").code == 0
    assert "accuracy (%)" in plot.read_text("utf-8")
    assert run("bench", "nasnet_a", *flags, "--accuracy", "74").code == 2
    for wrong, code in (("--runtimes=eagre", "NAS730"), ("--passes=flod", "NAS720")):
        assert code in run("bench", "nasnet_a", *flags, wrong).err
    assert run("bench", "nasnet_a", *flags, "--batch", "0").code == 2
    assert run("bench", "nasnet_a", *flags, "--dtypes", "float3").code == 2
    ran = run("bench", "nasnet_a", *flags, "--rounds", "2", "--dtypes", "float32,bfloat16")
    rows = [line.split() for line in ran.out.splitlines() if line.strip().startswith("eager")]
    assert [row[1] == "bfloat16" for row in rows] == [False, True]
    assert run("bench", "nasnet_a", *flags, "--runtimes", ",").code == 2
    assert run("bench", "nasnet_a", *flags, "--device", "cuda", "--processor-time").code == 2
    assert run("bench", "nasnet_a", *flags, "--device", "meta").code == 2
    assert "NAS707" in run("bench", "nasnet_a", *flags, "--device", "cuda:99").err


def test_compile_in_a_runtime(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network runs there as well, after the runtime's own passes."""
    run = runner(capfd, monkeypatch)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    ran = run("compile", "nasnet_a", *flags, "--runtime", "eager", "--print-after", "fold")
    assert ran.code == 0
    assert "for one image in runtime eager" in ran.out
    assert "after fold:" in ran.err
    members = json.loads(run("compile", "nasnet_a", *flags, "--runtime", "eager", "--json").out)
    assert (members["runtime"], members["seconds"]["runtime_forward"] >= 0) == ("eager", True)
    unknown = run("compile", "no_such_cell", "--runtime", "eagre", "--passes", "fold")
    assert "NAS730" in unknown.err  # before anything is read
    for wrong, code in (("eagre", "NAS730"), ("cuda_graphs", "NAS732")):
        assert code in run("compile", "nasnet_a", *flags, "--runtime", wrong).err
    for wrong in (["--optimize"], ["-o", "a.onnx"], ["--device=meta"], ["--backend=source"]):
        assert run("compile", "nasnet_a", *flags, "--runtime", "eager", *wrong).code == 2
