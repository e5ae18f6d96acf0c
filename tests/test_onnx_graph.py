"""An ONNX model written node by node computes what PyTorch computes, whatever the network has."""

from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

import nasdsl
from nasdsl.export.onnx_graph import EMISSIONS, can_write, onnx_graph
from nasdsl.network import NetworkGraph
from nasdsl.passes import FOR_BLOCKS
from nasdsl.primitives import PRIMITIVES
from tests.torch_networks import KINDS, built, image, random_graphs, randomised, small

onnx: Any = pytest.importorskip("onnx")
onnxruntime: Any = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.usefixtures("one_thread")

#: Every padding, both norms, and pools and convolutions whose strides and dilations differ.
OPS = """
genotype everything
ops nasnet
op rows = [relu, conv(1x7, stride_x), conv(7x1, stride_y), layer_norm]
op wide = [depthwise(3x3, symmetric, dilation 2, stride), instance_norm, conv(3x3, filters/2),
           pointwise, batch_norm]
op counted = [avg_pool(3x3, count_padding, stride), pointwise]
op floored = [max_pool(5x5, zero_padded, stride), pointwise]
op centred = [max_pool(3x3, symmetric, stride), relu, pointwise]
op nothing = [zero]
cell normal {
    b0 = (h[i], h[i-1], rows, wide, add)
    b1 = (h[i], h[i-1], counted, floored, add)
    b2 = (b1, h[i], centred, nothing, add)
}
cell reduction {
    b0 = (h[i], h[i-1], rows, wide, add)
    b1 = (h[i], h[i-1], counted, floored, add)
    b2 = (h[i], h[i-1], centred, nothing, add)
}
"""


def difference(net: Any, batch: int = 3) -> float:
    """How far ONNX Runtime's logits are from PyTorch's, relative to the largest."""
    state = net.state_dict()
    assert can_write(net.graph, state)
    model = onnx_graph(net.graph, {name: tensor.numpy() for name, tensor in state.items()})
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    images = image(net.graph, batch)
    with torch.inference_mode():
        expected = net(images)
    assert isinstance(expected, Tensor)
    (found,) = session.run(["logits"], {"image": images.numpy()})
    return float((torch.from_numpy(found) - expected).abs().max() / expected.abs().max())


def trained(graph: NetworkGraph) -> Any:
    return randomised(built(graph, seed=1)).eval()


def test_every_primitive_has_an_emission() -> None:
    """What is written of each; a primitive without one leaves the network to PyTorch's exporter."""
    assert EMISSIONS.keys() == PRIMITIVES.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_library(kind: str) -> None:
    """Every kind of network, as it is trained and as it is optimised."""
    net = trained(small(kind, drop_path=0.3, dropout=0.4))
    assert difference(net) < 1e-5
    assert difference(nasdsl.optimize(net, passes=FOR_BLOCKS)) < 1e-5


@pytest.mark.parametrize("size", [17, 24])
def test_every_op(size: int) -> None:
    """Whatever the language can say, at odd and even sizes."""
    net = trained(small(nasdsl.loads(OPS), skeleton="nasnet", stem="cifar", image_size=size))
    written = {node.primitive for _, node in net.graph.nodes()}
    assert written >= EMISSIONS.keys() - {"identity", "drop_path", "dropout"}
    assert difference(net) < 1e-5
    assert difference(nasdsl.optimize(net, passes=FOR_BLOCKS), 1) < 1e-5


def test_random_genotypes() -> None:
    """Random genotypes on random skeletons at odd sizes, optimised."""
    for graph in random_graphs(4, seed=7, largest=40):
        assert difference(nasdsl.optimize(trained(graph), passes=FOR_BLOCKS)) < 1e-5


def test_what_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer in another's place, and a primitive that another package has brought."""
    net = trained(small("darts_v2_cifar"))
    state = net.state_dict()
    name = next(name for name in state if name.endswith(".weight"))
    assert not can_write(net.graph, {**state, name: state[name][:1]})
    assert not can_write(net.graph, {key: state[key] for key in state if key != name})
    table = import_module("nasdsl.export.onnx_graph").EMISSIONS
    monkeypatch.delitem(table, "depthwise")
    assert not can_write(net.graph, state)
