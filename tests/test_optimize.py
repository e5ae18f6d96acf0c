"""Optimising keeps what a trained network computes, and nothing that only training needs."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nasdsl_backends.torch import Network
from torch import Tensor, nn

import nasdsl
from nasdsl import export
from nasdsl.api.compile import compiled_graph
from nasdsl.errors import CellError, Diagnostic
from nasdsl.language.parser.read import image_metadata
from nasdsl.network import NetworkGraph
from nasdsl.passes import FOR_BLOCKS, FOR_INFERENCE, PASSES, run
from tests.cli_run import runner
from tests.thorough import many
from tests.torch_networks import (
    KINDS,
    built,
    halving_genotype,
    image,
    random_graphs,
    randomised,
    small,
)

#: Each pass for inference alone, and all of them.
PIPELINES = {
    **{name: ("inference", name) for name in ("fold", "sink")},
    "pad": ("inference", "fold", "pad"),
    "all, and pad": FOR_BLOCKS,
    "inference": ("inference",),
    "all": FOR_INFERENCE,
    "all, and dead": (*FOR_INFERENCE, "dead"),
}
SETTINGS = {"N": 1, "filters": 96, "image_size": 16, "stem": "cifar", "classes": 3}


pytestmark = pytest.mark.usefixtures("one_thread")


def trained(graph: NetworkGraph, dtype: torch.dtype = torch.float32) -> Network:
    """A network whose moving statistics, scales and shifts are not those of a new one."""
    return randomised(built(graph, dtype=dtype, seed=1))


def tiny(**settings: object) -> Network:
    return trained(compiled_graph("nasnet_a", **{**SETTINGS, **settings}))


def logits(net: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        found = net.eval()(images)
    assert isinstance(found, Tensor)
    return found


def difference(net: Network, fast: Network, *sizes: int) -> float:
    """How far the logits are apart, relative to the largest, for several images and for one."""
    worst = 0.0
    dtype = next(net.parameters()).dtype
    for batch, size in zip((3, 1), (net.graph.image.height, *sizes), strict=False):
        images = image(net.graph, batch, size, seed=size).to(dtype)
        expected = logits(net, images)
        error = (logits(fast, images) - expected).abs().max() / expected.abs().max()
        worst = max(worst, float(error))
    return worst


@pytest.mark.parametrize(
    ("kind", "name"),
    [*((kind, "all") for kind in KINDS), *(("nasnet_a_mobile", name) for name in PIPELINES)],
)
def test_library(kind: str, name: str) -> None:
    """Every kind of network, and each pass: in double precision only rounding is left."""
    net = trained(small(kind, drop_path=0.3, dropout=0.4), torch.float64)
    fast = nasdsl.optimize(net, passes=PIPELINES[name], verify_passes=True)
    assert difference(net, fast, net.graph.image.height + 1) < 1e-12


def test_random_genotypes() -> None:
    """Random genotypes on random skeletons at odd sizes; 200 in the profile `thorough`."""
    for graph in random_graphs(many(200, usually=6), seed=31, largest=48):
        net = trained(graph)
        fast = nasdsl.optimize(net, passes=FOR_BLOCKS, verify_passes=True)
        assert difference(net, fast, graph.image.height + 1) < 1e-5


def test_each_pass_by_itself() -> None:
    """The network is the same, and evaluated, with each of the installed passes, or none."""
    net = tiny(drop_path=0.3, dropout=0.4)
    for passes in ((), *((name,) for name in PASSES.names())):
        fast = nasdsl.optimize(net, passes=passes, verify_passes=True)
        assert (fast.training, difference(net, fast) < 1e-5) == (False, True), passes


@given(passes=st.lists(st.sampled_from(sorted(PASSES.names())), max_size=4))
@settings(max_examples=many(60, usually=8), deadline=None)
def test_any_passes_in_any_order(passes: list[str]) -> None:
    """Whatever somebody chooses computes the same, also where a pass is chosen twice."""
    net = trained(small("nasnet_a_mobile"))
    assert difference(net, nasdsl.optimize(net, passes=passes)) < 1e-5


@pytest.mark.parametrize("filters", [1, 3, 4])
def test_halves(filters: int) -> None:
    """A factorized reduction takes in its batch norm half by half, with one half too."""
    net = trained(small(halving_genotype(), stem="imagenet", cell_filters=4 * filters))
    fast = nasdsl.optimize(net, verify_passes=True)
    assert difference(net, fast, 46) < 1e-5
    halves = {name for name in fast.state_dict() if ".b0.left.2.conv" in name}
    assert {f"stem_cells.0.b0.left.2.conv1.{one}" for one in ("weight", "bias")} <= halves


def test_what_is_left_out() -> None:
    """No drop path, dropout, auxiliary classifier, batch norm or input that nothing reads."""
    chosen = {"drop_path": 0.2, "dropout": 0.5, "auxiliary": True, "image_size": 32}
    graph = compiled_graph("nasnet_a", **{**SETTINGS, **chosen})
    assert graph.auxiliary_logits is not None
    made = run(graph, FOR_INFERENCE, verify=True)
    left = {node.primitive for _, node in made.nodes()}
    assert not left & {"drop_path", "dropout", "batch_norm", "identity"}
    assert made.auxiliary_logits is None
    assert made.logits == graph.logits
    assert not any(module.body.unread for module in made.modules)
    assert (made.plain, made.passes, made.inference) == (graph, FOR_INFERENCE, True)


def test_the_relu_of_a_concatenation() -> None:
    """It is applied to each state that is joined, and the concatenation takes its name."""
    graph = run(compiled_graph("nasnet_a_large"), ("inference", "hoist"))
    body = next(m.body for m in run(graph, ("sink",)).modules if m.name == "cells.3")
    joined = next(node for node in body.nodes if node.primitive == "concat")
    assert joined.name == "output.concat.relu" == body.outputs[0]
    nodes = {node.name: node for node in body.nodes}
    assert {nodes[name].primitive for name in joined.inputs} == {"relu"}


def test_whole_blocks_of_channels() -> None:
    """Every state but the image and the logits has a multiple of 16 channels."""
    graph = run(compiled_graph("nasnet_a_mobile"), ("inference", "fold", "pad"), verify=True)
    last = {node.shape.channels for _, node in graph.nodes() if node.primitive == "linear"}
    widths = {node.shape.channels for _, node in graph.nodes() if node.primitive != "linear"}
    assert not any(width % 16 for width in widths)
    assert {16, 48, 96, 176} < widths
    assert last == {1000}


def test_norms_see_no_zeros() -> None:
    """Before a normalisation that is not folded, states keep their channels."""
    graph = compiled_graph("nasnet_a_mobile")
    assert (
        run(graph, ("inference", "pad"), verify=True).modules == run(graph, ("inference",)).modules
    )


def test_batch_norm_that_follows_no_convolution() -> None:
    """It stays, and so does one whose convolution something else reads."""
    genotype = nasdsl.loads("""
        genotype pooled
        ops nasnet
        op pool = [avg_pool(3x3, stride), batch_norm]
        op twice = [relu, conv(3x3, stride), batch_norm, batch_norm]
        cell normal { b0 = (h[i], h[i-1], pool, twice, add) }
        cell reduction { b0 = (h[i], h[i-1], pool, twice, add) }
    """)
    net = trained(small(genotype, skeleton="nasnet", stem="cifar"))
    fast = nasdsl.optimize(net)
    assert difference(net, fast) < 1e-5
    norms = [node.name for _, node in fast.graph.nodes() if node.primitive == "batch_norm"]
    assert norms
    assert all(".left." in name for name in norms)


def test_a_network_of_its_own() -> None:
    """The given network keeps its mode and its weights; the new one has none of its memory."""
    net = tiny(drop_path=0.2).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    fast = nasdsl.optimize(net)
    assert all(module.training for module in net.modules())
    assert not any(module.training for module in fast.modules())
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    for tensor in fast.state_dict().values():
        tensor.zero_()
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert nasdsl.optimize(fast) is fast


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtypes(dtype: torch.dtype) -> None:
    """The new network has the type of the given one."""
    fast = nasdsl.optimize(trained(compiled_graph("nasnet_a", **SETTINGS), dtype))
    assert {tensor.dtype for tensor in fast.parameters()} == {dtype}


def test_files(tmp_path: Path) -> None:
    """A model file brings the network back as it is: for evaluation only."""
    fast = nasdsl.optimize(tiny())
    export.write(fast, tmp_path / "fast.safetensors")
    again = nasdsl.compile(tmp_path / "fast.safetensors")
    images = image(fast.graph)
    assert torch.equal(logits(again, images), logits(fast, images))
    assert again.graph.passes == FOR_INFERENCE
    with pytest.raises(CellError, match="NAS709"):
        again.train()
    with pytest.raises(CellError, match="NAS708"):
        export.write(fast, tmp_path / "fast.py")
    assert {path.name for path in tmp_path.iterdir()} == {"fast.safetensors"}


def test_how_images_are_prepared_is_kept(tmp_path: Path) -> None:
    """What a model file says of its images stands in the file of the optimised network too."""
    net = tiny()
    said = '{"image_size": 32}'
    net.image_metadata = said  # type: ignore[assignment]
    export.write(nasdsl.optimize(net), tmp_path / "fast.safetensors")
    assert image_metadata(tmp_path / "fast.safetensors") == said


# -- what is refused ----------------------------------------------------------------------


def refused(work: object) -> Diagnostic:
    """The one finding of a call that is refused."""
    assert callable(work)
    with pytest.raises(CellError) as caught:
        work()
    (found,) = caught.value.diagnostics
    return found


def test_only_for_evaluation() -> None:
    """It does not train, keeps its classifier, and takes no weights of the original."""
    net = tiny()
    fast = nasdsl.optimize(net)
    assert refused(fast.train).code == "NAS709"
    assert refused(lambda: fast.reset_classifier(5)).code == "NAS709"
    weights = net.state_dict()
    assert refused(lambda: nasdsl.weights.load(fast, weights)).code == "NAS801"
    assert refused(lambda: nasdsl.weights.load(fast, weights, "slim")).code == "NAS804"


def test_what_cannot_be_optimised() -> None:
    """Without weights, without a classifier, or with layers of somebody else."""
    meta = nasdsl.compile("nasnet_a", device="meta", **SETTINGS)
    assert "meta device" in refused(lambda: nasdsl.optimize(meta)).message
    headless = tiny()
    headless.reset_classifier(0)
    assert "no classifier" in refused(lambda: nasdsl.optimize(headless)).message
    changed = tiny()
    changed.get_submodule("stem").add_module("batch_norm", nn.Identity())
    found = refused(lambda: nasdsl.optimize(changed))
    assert (found.code, "stem.batch_norm.weight" in found.message) == ("NAS709", True)
    spoilt = tiny()
    nn.init.constant_(spoilt.get_classifier().bias, float("nan"))
    assert refused(lambda: nasdsl.optimize(spoilt)).code == "NAS706"
    found = refused(lambda: nasdsl.optimize(nn.Linear(1, 1)))
    assert (found.code, "Linear" in found.message) == ("NAS008", True)


def test_a_pass_that_changes_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not compute the same is not handed out."""
    from nasdsl.passes import fold

    monkeypatch.setattr(fold, "_shift", lambda channels, beta, mean, scale: beta[channels])
    found = refused(lambda: nasdsl.optimize(tiny()))
    assert found.code == "NAS705"
    assert "the optimised network differs" in found.message


# -- the command line -----------------------------------------------------------------------

FLAGS = (*("--N", "1", "--filters", "96", "--image-size", "16"), *("--stem", "cifar"))


def test_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--optimize` writes the optimised network; a summary of it can be had, too."""
    ran = runner(capfd, monkeypatch)
    path = tmp_path / "fast.safetensors"
    done = ran(
        "compile", "nasnet_a", *FLAGS, "--optimize", "--print-after", "fold", "-o", str(path)
    )
    assert (done.code, done.err.startswith("after fold:")) == (0, True)
    assert nasdsl.compile(path).graph.inference
    assert ran("compile", str(path)).code == 0
    for flags in (("--device", "meta"), ("--backend", "source")):
        done = ran("compile", "nasnet_a", *FLAGS, "--optimize", *flags)
        assert (done.code, "--optimize requires" in done.err) == (2, True)


def test_an_onnx_file_has_whole_blocks(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It goes through the passes that runtimes of such files want, unless others are named."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    ran = runner(capfd, monkeypatch)
    path = tmp_path / "fast.onnx"
    channels = []
    for flags in ((), ("--passes", ",".join(FOR_INFERENCE))):
        flags = (*FLAGS[:3], "264", *FLAGS[4:], *flags)
        assert ran("compile", "nasnet_a", *flags, "--optimize", "-o", str(path)).code == 0
        sizes = [one.dims for one in onnx.load(path).graph.initializer if len(one.dims) == 4]
        channels.append({size[0] for size in sizes})
    blocks, others = channels
    assert 16 in blocks - others
    assert 11 in others - blocks
