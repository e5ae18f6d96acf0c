"""PyTorch's tools: what they make of a network computes the same."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import nasdsl
from nasdsl import export
from nasdsl.errors import CellError
from nasdsl.train import datasets, fit, network_settings, recipe
from tests.torch_networks import (
    KINDS,
    built,
    image,
    randomised,
    small,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def network(kind: str, **settings: object) -> nn.Module:
    """A network whose batch norms do something, ready to be used."""
    return randomised(built(small(kind, **settings), seed=1)).eval()


def relative(actual: Tensor, expected: Tensor) -> float:
    """The largest difference over the largest value."""
    return float((actual - expected).detach().abs().max() / expected.detach().abs().max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [False, True])
def test_channels_last(kind: str, training: bool) -> None:
    """The other memory format gives the same logits and the same gradients."""
    net = randomised(
        built(small(kind, drop_path=0.0, dropout=0.0), dtype=torch.float64, seed=1)
    ).train(training)
    x = image(net.graph).double()
    expected = net(x)
    expected.square().sum().backward()
    gradients = [parameter.grad.clone() for parameter in net.parameters()]
    net.zero_grad()
    net.to(memory_format=torch.channels_last)
    actual = net(x.to(memory_format=torch.channels_last))
    actual.square().sum().backward()
    assert relative(actual, expected) < 1e-10
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_autocast(kind: str) -> None:
    """In bfloat16 the logits are near float32's, and a training step has finite gradients."""
    net = network(kind)
    x = image(net.graph)
    expected = net(x)
    with torch.autocast("cpu", torch.bfloat16):
        actual = net(x)
    assert actual.dtype == torch.bfloat16
    assert relative(actual.float(), expected) < 0.1
    net.train().set_progress(1.0)
    with torch.autocast("cpu", torch.bfloat16):
        net(image(net.graph, batch=4)).float().square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.parametrize("kind", ["nasnet_a_cifar", "darts_v2_imagenet", "example_b_form"])
def test_export(kind: str) -> None:
    """`torch.export` with any batch size; the exported program keeps the names."""
    net = network(kind)
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = {"x": {0: batch}}
    program = torch.export.export(net, (image(net.graph),), dynamic_shapes=shapes)
    for size in (1, 5):
        x = image(net.graph, batch=size)
        assert relative(program.module()(x), net(x)) < 1e-6
    assert set(program.state_dict) == set(net.state_dict())


# PyTorch says so of Python 3.13.0 itself.
@pytest.mark.filterwarnings("ignore:Guards may run slower:RuntimeWarning")
@pytest.mark.parametrize("training", [False, True])
def test_compile(training: bool) -> None:
    """`torch.compile` takes the whole network in one graph, gradients and drops included."""
    net = network("nasnet_a_cifar", auxiliary=True, drop_path=0.3).train(training)
    x = image(net.graph)
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    if not training:
        assert relative(compiled(x), net(x)) < 1e-5
        return
    # Nothing is dropped yet, but masks are drawn: the graph has them.
    expected = net(x)
    expected.logits.square().sum().backward()
    gradients = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    net.zero_grad()
    actual = compiled(x)
    actual.logits.square().sum().backward()
    assert relative(actual.logits, expected.logits) < 1e-4
    assert relative(actual.aux_logits, expected.aux_logits) < 1e-4
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        difference = (net.get_parameter(name).grad - gradient).abs().max()
        assert float(difference) < 1e-4 * largest, name
    net.set_progress(1.0)
    assert not torch.equal(compiled(x).logits, compiled(x).logits)


def test_gradients_of_each_example() -> None:
    """`torch.func`: gradients of each example, with the parameters passed in."""
    net = network("nasnet_a_cifar", cell_filters=4, image_size=16)
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    x = image(net.graph, batch=3)

    def loss(given: dict[str, Tensor], one: Tensor) -> Tensor:
        return torch.func.functional_call(net, given, (one[None],)).square().sum()

    grads = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, x)
    net(x).square().sum().backward()
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(grads[name].sum(0), parameter.grad, rtol=1e-2, atol=1e-2)


def test_parameters_passed_in() -> None:
    """Other parameters and statistics can be passed in for one call."""
    net = network("nasnet_a_cifar")
    x = image(net.graph)
    other = randomised(built(net.graph, seed=2), seed=9).eval()
    swapped = torch.func.functional_call(net, other.state_dict(), (x,))
    torch.testing.assert_close(swapped, other(x))


@pytest.mark.parametrize("kind", KINDS)
def test_fx(kind: str) -> None:
    """The network can be traced, in training too, and computes the same at other sizes."""
    net = randomised(built(small(kind, image_size=33), seed=0))
    traced = torch.fx.symbolic_trace(net.eval())
    for size in (33, 38):
        images = torch.randn(2, 3, size, size)
        with torch.inference_mode():
            assert torch.equal(traced(images), net(images))
    net.train().set_progress(0.5)
    torch.fx.symbolic_trace(net)


# Paths are dropped in training alone, which is said of every such network.
@pytest.mark.filterwarnings("ignore:NOTE")
def test_feature_extraction() -> None:
    """Torchvision takes the maps of modules by their names."""
    extraction = pytest.importorskip("torchvision.models.feature_extraction")
    net = randomised(built(small("nasnet_a_cifar", image_size=33), seed=0)).eval()
    images = torch.randn(1, 3, 33, 33)
    extractor = extraction.create_feature_extractor(net, ["stem.conv", "head.linear"])
    with torch.inference_mode():
        found = extractor(images)
        assert torch.equal(found["stem.conv"], net.get_submodule("stem.conv")(images))
        assert torch.equal(found["head.linear"], net(images))


def test_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled network shows what its graph does; `print` still shows its modules."""
    net = built(small("nasnet_a_cifar"), seed=0)
    monkeypatch.setenv("PATH", "/nowhere")
    assert list(net._repr_mimebundle_()) == ["text/plain"]
    assert net._repr_mimebundle_() == net.graph._repr_mimebundle_()
    assert repr(net).startswith("Network(")


def test_drop_path_prob() -> None:
    """What scripts for DARTS set: the share of paths that are dropped now."""
    net = built(small("nasnet_a_cifar", drop_path=0.4), seed=0)
    net.drop_path_prob = 0.1
    assert net.drop_path_prob == pytest.approx(0.1)
    assert float(net.progress) == pytest.approx(0.25)
    with pytest.raises(CellError):
        net.drop_path_prob = 2
    none = built(small("nasnet_a_cifar", drop_path=0), seed=0)
    none.drop_path_prob = 0.0
    with pytest.warns(UserWarning, match="drop_path"):
        none.drop_path_prob = 0.1


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_scripts_are_refused() -> None:
    """`torch.jit.script` is refused with what to do instead, in place of a traceback of its own."""
    with pytest.raises(CellError, match="NAS708"):
        torch.jit.script(built(small("nasnet_a_cifar"), seed=0))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_quantization_after_training() -> None:
    """`torch.ao`'s FX tools make whole numbers of a trained network, and it recognises as much."""
    quantize_fx = pytest.importorskip("torch.ao.quantization.quantize_fx")
    pytest.importorskip("sklearn")
    from torch.ao.quantization import get_default_qconfig_mapping

    chosen = recipe("quick", epochs=2, batch=64)
    data = datasets("digits", chosen)
    settings = network_settings(data, chosen)
    net = nasdsl.compile("nasnet_a", N=1, filters=24, seed=0, **settings)
    fit(net, data, chosen, seed=0)
    images, classes = (torch.utils.data.default_collate(list(data.held_out))[k] for k in (0, 1))
    prepared = quantize_fx.prepare_fx(net.eval(), get_default_qconfig_mapping("onednn"), images[:1])
    engine = torch.backends.quantized.engine
    torch.backends.quantized.engine = "onednn"
    try:
        with torch.inference_mode():
            prepared(images[:64])
            quantized = quantize_fx.convert_fx(prepared)
            expected, actual = net(images), quantized(images)
    finally:
        torch.backends.quantized.engine = engine
    targets = [str(node.target) for node in quantized.graph.nodes]
    assert targets.count("quantized.conv2d") > 50
    right = [(logits.argmax(1) == classes).double().mean() for logits in (expected, actual)]
    assert right[0] > 0.3  # a guess is right in one of ten
    assert abs(right[0] - right[1]) < 0.05


@pytest.mark.parametrize(
    ("sizes", "most"), [({"N": 1, "filters": 24}, 1), ({"N": 1, "filters": 1536}, 2)]
)
def test_a_network_gets_the_threads_it_is_worth(
    sizes: dict[str, int], most: int, tmp_path: Path
) -> None:
    """Tiny ones are proved and exported by one, however many cores there are."""
    seen: set[int] = set()
    before = torch.get_num_threads()
    hook = nn.modules.module.register_module_forward_hook(
        lambda *_: seen.add(torch.get_num_threads())
    )
    torch.set_num_threads(2)
    try:
        proof = nasdsl.prove("nasnet_a", stem="cifar", image_size=16, **sizes)
        export.write(proof.network, tmp_path / "a.safetensors")
    finally:
        hook.remove()
        torch.set_num_threads(before)
    assert seen == {most}
