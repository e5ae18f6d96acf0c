"""The module people get: names, heads, features, weights, copies."""

import copy
import inspect
import json
import math
import pickle
from itertools import pairwise
from typing import Any

import pytest
import torch
from nasdsl_backends.torch import Network, NetworkOutputs
from nasdsl_backends.torch.module import GraphModule
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import nasdsl
from nasdsl import CellError
from nasdsl.network import verified
from nasdsl.network.cost import graph_cost, node_count
from nasdsl.space import genotype_at
from tests.torch_networks import (
    KINDS,
    built,
    image,
    random_graphs,
    randomised,
    small,
)

pytestmark = pytest.mark.usefixtures("one_thread")


# -- names ------------------------------------------------------------------------------

NAMES = """
stem.conv.weight
stem.batch_norm.num_batches_tracked
stem_cells.0.input0.1.weight
cells.0.input1.1.conv0.weight
cells.0.input1.1.conv1.weight
cells.0.input1.2.running_var
cells.1.b0.left.1.weight
cells.1.b0.left.2.weight
cells.1.b0.left.3.bias
cells.1.b0.right.7.running_mean
head.linear.weight
head.linear.bias
auxiliary.conv0.weight
auxiliary.batch_norm1.weight
auxiliary.linear.bias
progress
"""


def test_names() -> None:
    """Parameters are named as documented: these names are promised."""
    names = set(
        built(small("nasnet_a_mobile", auxiliary=True, image_size=80), device="meta").state_dict()
    )
    assert set(NAMES.split()) <= names


@pytest.mark.parametrize("kind", KINDS)
def test_names_follow_the_graph(kind: str) -> None:
    """Every parameter's path is its node's full name, in the graph's order."""
    graph = small(kind, auxiliary=True, image_size=129)
    expected = []
    for _, node in graph.nodes():
        if node.primitive == "factorized_reduce":
            expected += [f"{node.name}.conv0", f"{node.name}.conv1"]
        elif node_count(node).params:
            expected.append(node.name)
    names = [name for name, _ in built(graph, device="meta").named_parameters()]
    paths = dict.fromkeys(name.rpartition(".")[0] for name in names)
    assert sorted(paths) == sorted(expected)


def test_cells_are_a_list() -> None:
    """Cells are found by their number, ops by the graph's words."""
    net = built(small("nasnet_a_cifar"), device="meta")
    assert len(net.cells) == 5
    assert net.cells[1].b0["left"]["1"] is net.get_submodule("cells.1.b0.left.1")


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_their_own(kind: str) -> None:
    """Layers are made as PyTorch makes them and share nothing that can change."""
    net = built(small(kind, N=2), seed=1)
    mutable: list[int] = []
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
            fresh = type(layer)(*arguments(layer))
            assert {*vars(fresh)} == {*vars(layer)}
            assert repr(fresh) == repr(layer)
            assert {*fresh.state_dict()} == {*layer.state_dict()}
            tables = [value for value in vars(layer).values() if isinstance(value, dict | set)]
            mutable += map(id, (*tables, *layer.parameters(), *layer.buffers()))
    assert len(mutable) == len(set(mutable))
    pointers = [tensor.data_ptr() for tensor in net.state_dict().values()]
    assert len(pointers) == len(set(pointers))


def arguments(layer: nn.Conv2d | nn.BatchNorm2d) -> tuple[object, ...]:
    """What the layer's class would be called with."""
    if isinstance(layer, nn.BatchNorm2d):
        return layer.num_features, layer.eps, layer.momentum
    sizes = layer.kernel_size, layer.stride, layer.padding, layer.dilation
    return layer.in_channels, layer.out_channels, *sizes, layer.groups, False


def test_replaced_layers_run() -> None:
    """A layer put in another's place is the one that runs."""
    net = randomised(built(small("nasnet_a_cifar"))).eval()
    x = image(net.graph)
    before = net(x)
    net.cells[2].b1["right"]["3"] = nn.Identity()
    assert not torch.allclose(net(x), before)
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(net))
    assert {type(m) for m in synced.modules()} >= {nn.SyncBatchNorm}
    assert torch.equal(synced(x), net(x))


# -- heads ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_forward(kind: str) -> None:
    """`forward` is its two halves; the sizes are as said."""
    net = built(small(kind)).eval()
    x = image(net.graph)
    features = net.forward_features(x)
    assert features.shape[:2] == (2, net.num_features)
    assert net.forward_head(features, pre_logits=True).shape == (2, net.num_features)
    assert net(x).shape == (2, net.num_classes)
    assert torch.equal(net.forward_head(features), net(x))


def test_auxiliary() -> None:
    """In training the auxiliary logits come too, by name; in evaluation they do not."""
    net = built(small("nasnet_a_cifar", auxiliary=True, image_size=33))
    x = image(net.graph)
    made = net.train()(x)
    assert isinstance(made, NetworkOutputs)
    assert made._fields == ("logits", "aux_logits")
    assert made.logits.shape == made.aux_logits.shape == (2, 7)
    assert not torch.equal(made.logits, made.aux_logits)
    assert isinstance(net.eval()(x), torch.Tensor)
    assert pickle.loads(pickle.dumps(made)).aux_logits.shape == (2, 7)


def test_auxiliary_is_not_computed_in_evaluation() -> None:
    """What only serves training costs nothing after it."""
    net = built(small("nasnet_a_cifar", auxiliary=True)).eval()
    ran: list[str] = []
    net.auxiliary.register_forward_hook(lambda *_: ran.append("auxiliary"))
    net(image(net.graph))
    assert ran == []
    net.train()(image(net.graph))
    assert ran == ["auxiliary"]


def test_auxiliary_at_another_size() -> None:
    """The auxiliary classifier has one size; the network without it has any."""
    net = built(small("nasnet_a_cifar", auxiliary=True, image_size=33))
    x = image(net.graph, size=48)
    with pytest.raises(ValueError, match="33x33, not 48x48"):
        net.train()(x)
    assert net.eval()(x).shape == (2, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: str) -> None:
    """A training step reaches every parameter, the auxiliary classifier's too."""
    net = built(small(kind, auxiliary=True, image_size=129), seed=1).train()
    net.set_progress(0.1)
    made = net(image(net.graph, batch=4))
    (made.logits.square().sum() + made.aux_logits.square().sum()).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []
    still = [n for n, p in net.named_parameters() if not p.grad.isfinite().all()]
    assert still == []


def test_a_network_that_is_built_in_inference_mode_can_be_trained() -> None:
    """Its weights are those of any other network, drawn by several threads."""
    settings: dict[str, Any] = {"N": 1, "filters": 960, "stem": "cifar", "image_size": 16}
    with torch.inference_mode():
        net = nasdsl.compile("nasnet_a", seed=3, **settings)
    other = nasdsl.compile("nasnet_a", seed=3, **settings)
    assert all(map(torch.equal, net.state_dict().values(), other.state_dict().values()))
    found = net.train()(torch.rand(2, 3, 16, 16))
    (found[0] if isinstance(found, tuple) else found).sum().backward()
    assert next(net.parameters()).grad is not None


@pytest.mark.parametrize("seed", range(2))
def test_every_parameter_of_random_networks_learns(seed: int) -> None:
    """The same for random genotypes, whatever they drop."""
    for graph in random_graphs(6, seed):
        net = built(graph, seed=1).train()
        net.set_progress(0.5)
        net(image(graph, batch=4)).square().sum().backward()
        assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_moving_statistics() -> None:
    """Training moves them with the skeleton's momentum; evaluation leaves them."""
    net = built(small("nasnet_a_large", batch_norm_momentum=0.25, drop_path=0.0))
    x = image(net.graph, batch=4)
    norm = net.stem.batch_norm
    net.eval()(x)
    assert torch.equal(norm.running_mean, torch.zeros(96))
    net.train()(x)
    batch = net.stem.conv(x).mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, 0.25 * batch)
    assert norm.eps == 1e-3


def test_reset_classifier() -> None:
    """New classifiers of another width; the graph follows, the rest stays."""
    net = built(small("nasnet_a_cifar", auxiliary=True), seed=1)
    before = net.cells[0].b0["left"]["1"].weight.clone()
    net.image_metadata = '{"size": 32, "classes": ["ant", "bee"]}'
    net.reset_classifier(3)
    # The names are those of other classes.
    assert json.loads(net.image_metadata) == {"size": 32, "classes": []}
    assert net.num_classes == net.graph.configuration.classes == 3
    assert net.get_classifier() is net.head.linear
    assert isinstance(net.get_classifier(), nn.Linear)
    verified(net.graph)
    made = net(image(net.graph))
    assert made.logits.shape == made.aux_logits.shape == (2, 3)
    assert torch.equal(net.cells[0].b0["left"]["1"].weight, before)
    params = sum(p.numel() for p in net.parameters())
    assert params == sum(module.params for module in graph_cost(net.graph).modules)


@pytest.mark.parametrize("count", [2.5, -1, "3"])
def test_classes_that_are_no_number(count: object) -> None:
    """They are refused, and the network stays as it was."""
    net = nasdsl.compile("nasnet_a_cifar", N=1, filters=24, device="meta")
    with pytest.raises(ValueError, match="whole number"):
        net.reset_classifier(count)
    assert (net.num_classes, net.get_classifier().out_features) == (10, 10)


def test_no_classifier() -> None:
    """Without classes the network gives what the classifier would read, and can get one back."""
    net = built(small("nasnet_a_cifar", auxiliary=True), dtype=torch.float64).eval()
    net.reset_classifier(0)
    x = image(net.graph).double()
    assert net.num_classes == 0
    assert torch.equal(net(x), net.forward_head(net.forward_features(x), pre_logits=True))
    assert net.train()(x).aux_logits.shape == (2, 768)
    net.eval().reset_classifier(5)
    assert net(x).shape == (2, 5)
    assert net.get_classifier().weight.dtype == torch.float64
    assert not net.get_classifier().training
    with pytest.raises(ValueError, match="-1"):
        net.reset_classifier(-1)


# -- features ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [64, 77])
def test_features(kind: str, size: int) -> None:
    """Each stage's channels, its stride, its module; every map is what the next cells read."""
    net = built(small(kind, image_size=size), seed=1).eval()
    x = image(net.graph)
    with torch.no_grad():
        maps = net.features(x)
    assert len(maps) == len(net.feature_info) >= 3
    strides = [info["reduction"] for info in net.feature_info]
    assert all(later == 2 * earlier for earlier, later in pairwise(strides))
    for info, made in zip(net.feature_info, maps, strict=True):
        assert made.shape[1] == info["num_chs"]
        # Stems without padding lose a pixel; the cells round up.
        assert abs(made.shape[2] - size / info["reduction"]) <= 1
        assert float(made.min()) >= 0
        assert net.get_submodule(info["module"]) is not None


def test_feature_strides_of_the_published_network() -> None:
    """NASNet-A large: the channels and strides that timm lists for it."""
    net = nasdsl.compile("nasnet_a_large", device="meta")
    listed = [(info["num_chs"], info["reduction"]) for info in net.feature_info]
    assert listed == [(96, 2), (168, 4), (1008, 8), (2016, 16), (4032, 32)]


def test_intermediates() -> None:
    """Chosen stages, with or without the last map; the last stage is what the head reads."""
    net = built(small("nasnet_a_mobile")).eval()
    x = image(net.graph)
    everything = net.features(x)
    last, some = net.forward_intermediates(x, indices=[0, 2])
    assert torch.equal(last, net.forward_features(x))
    assert [torch.equal(a, everything[i]) for a, i in zip(some, (0, 2), strict=True)] == [True] * 2
    two = net.forward_intermediates(x, indices=2, intermediates_only=True)
    assert [made.shape for made in two] == [made.shape for made in everything[-2:]]
    assert torch.equal(two[-1], last)
    assert torch.equal(net.forward_intermediates(x, [-1], intermediates_only=True)[0], last)
    for wrong in (0, 9, [9], [], "0", 1.5, True, [None]):
        with pytest.raises(CellError, match="indices is a number of stages"):
            net.forward_intermediates(x, indices=wrong)


def test_intermediates_take_what_timm_takes() -> None:
    """The arguments are those of timm's convolutional networks, in their order."""
    timm = pytest.importorskip("timm.models.convnext")
    theirs = inspect.signature(timm.ConvNeXt.forward_intermediates).parameters
    ours = inspect.signature(Network.forward_intermediates).parameters
    assert list(ours) == list(theirs)
    assert [each.default for each in ours.values()] == [each.default for each in theirs.values()]


def test_format_of_intermediates() -> None:
    """NHWC turns the maps of the stages, not the last map; another format is a mistake."""
    net = built(small("nasnet_a_mobile")).eval()
    x = image(net.graph)
    last, maps = net.forward_intermediates(x, 2)
    same, turned = net.forward_intermediates(x, 2, output_fmt="NHWC")
    assert torch.equal(same, last)
    for one, other in zip(maps, turned, strict=True):
        assert torch.equal(one.movedim(1, -1), other)
    for wrong in ("NLC", "", None, ["NCHW"]):
        with pytest.raises(CellError, match="output_fmt is `NCHW` or `NHWC`"):
            net.forward_intermediates(x, output_fmt=wrong)


def test_intermediates_stop_early() -> None:
    """Nothing after the deepest chosen stage runs, and its map is the last; as in timm."""
    net = built(small("nasnet_a_mobile")).eval()
    x = image(net.graph)
    ran: list[str] = []
    for name, module in net.named_modules():
        if isinstance(module, GraphModule):
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    expected = net.forward_intermediates(x, [1, 0], intermediates_only=True)
    everything, ran[:] = [*ran], []
    last, maps = net.forward_intermediates(x, [1, 0], stop_early=True)
    assert ran == everything[: everything.index(net.feature_info[1]["module"]) + 1]
    assert len(ran) < len(everything)
    assert [torch.equal(a, b) for a, b in zip(maps, expected, strict=True)] == [True] * 2
    assert torch.equal(last, expected[0])
    whole, _ = net.forward_intermediates(x, 1, stop_early=True)
    assert torch.equal(whole, net.forward_features(x))


def test_norm_of_intermediates() -> None:
    """The last stage's map is what the head reads, where batch norm comes between them."""
    cell = genotype_at(nasdsl.load_space("nasbench201_space"), 12_345)
    settings = {"skeleton": "nasbench201", "N": 1, "filters": 32, "seed": 0}
    net = randomised(nasdsl.compile(cell, **settings)).eval()
    x = image(net.graph)
    last, plain = net.forward_intermediates(x)
    same, normed = net.forward_intermediates(x, norm=True)
    assert torch.equal(same, last)
    assert torch.equal(normed[-1], last)
    assert not torch.equal(plain[-1], last)
    assert all(torch.equal(a, b) for a, b in zip(plain[:-1], normed[:-1], strict=True))


# -- copies -----------------------------------------------------------------------------


def test_pickle_and_copy() -> None:
    """A pickled network and a deep copy compute the same, with weights of their own."""
    net = randomised(built(small("nasnet_a_cifar", auxiliary=True), seed=2)).eval()
    x = image(net.graph)
    expected = net(x)
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert torch.equal(twin(x), expected)
        assert twin.graph == net.graph
        with torch.no_grad():
            twin.head.linear.weight.zero_()
        assert not torch.equal(twin(x), expected)
    assert torch.equal(net(x), expected)


def test_repr() -> None:
    """The first lines say which network it is."""
    text = repr(built(small("nasnet_a_cifar"), device="meta"))
    first = text.splitlines()[1]
    assert first.strip() == (
        "nasnet_a_cifar, 1 @ 192, nasnet skeleton, cifar stem, 45 px, num_classes=7, drop_path=0.4"
    )


# -- weights ----------------------------------------------------------------------------


def test_seed() -> None:
    """A seed decides all weights, whatever PyTorch's generator did before."""
    graph = small("nasnet_a_cifar")
    torch.manual_seed(1)
    first = built(graph, seed=5).state_dict()
    torch.manual_seed(2)
    second = built(graph, seed=5).state_dict()
    other = built(graph, seed=6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.conv.weight"], other["stem.conv.weight"])


def test_global_generator() -> None:
    """Without a seed, `torch.manual_seed` decides; networks in a row differ."""
    graph = small("nasnet_a_cifar")
    torch.manual_seed(3)
    first, second = built(graph).stem.conv.weight, built(graph).stem.conv.weight
    torch.manual_seed(3)
    again = built(graph).stem.conv.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_slim_weights() -> None:
    """Truncated normals of variance 2.6 / fan-out before the cut; scales one, shifts zero."""
    net = built(small("nasnet_a_large", cell_filters=64, classes=1000), seed=1)
    # The standard deviation of a standard normal cut at two.
    density = math.exp(-2) / math.sqrt(2 * math.pi)
    cut = math.sqrt(1 - 4 * density / math.erf(math.sqrt(2)))
    layers = {
        "stem.conv": 9 * 96,
        "cells.4.b0.left.1": 25,
        "cells.4.b0.left.2": 256,
        "cells.4.input0.1": 256,
        "cells.4.input1.1.conv0": 128,
        "head.linear": 1000,
    }
    for name, fan_out in layers.items():
        weight = net.get_submodule(name).weight.detach()
        scale = math.sqrt(2.6 / fan_out)
        assert float(weight.abs().max()) <= 2 * scale
        assert float(weight.abs().max()) > 1.8 * scale
        tolerance = 5 / math.sqrt(weight.numel())
        assert float(weight.std()) == pytest.approx(cut * scale, rel=tolerance)
        assert abs(float(weight.mean())) < tolerance * scale
    # Kolmogorov-Smirnov: the largest layer follows the distribution, not just its moments.
    weight = net.get_submodule("cells.4.input0.1").weight.detach().flatten().double().sort().values
    inside = math.erf(math.sqrt(2))
    below = (torch.erf(weight / math.sqrt(2.6 / 256) / math.sqrt(2)) / inside + 1) / 2
    steps = torch.arange(1, len(weight) + 1, dtype=torch.float64) / len(weight)
    assert float((below - steps).abs().max()) < 1.63 / math.sqrt(len(weight))
    for name, parameter in net.named_parameters():
        if parameter.dim() == 1:
            wanted = 1.0 if name.endswith("weight") else 0.0
            assert torch.equal(parameter, torch.full_like(parameter, wanted)), name


def test_darts_weights() -> None:
    """DARTS leaves PyTorch's default: uniform within 1 / sqrt(fan-in), biases too."""
    net = built(small("darts_v2_cifar", cell_filters=32), seed=1)
    for name in ("stem.conv", "cells.3.input0.1", "head.linear"):
        weight = net.get_submodule(name).weight.detach()
        bound = 1 / math.sqrt(weight[0].numel())
        assert 0.98 * bound < float(weight.abs().max()) <= bound
        assert float(weight.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert float(net.head.linear.bias.detach().abs().max()) > 0


def test_enas_weights() -> None:
    """`he_normal`: truncated normals of variance 2 / fan-in, which counts all channels."""
    net = built(small("enas_micro_cifar", cell_filters=32), seed=1)
    layers = {"stem.conv": 27, "cells.4.input0.1": 512, "head.linear": 640}
    for name, fan_in in {**layers, "cells.4.b0.right.1": 9 * 128}.items():
        weight = net.get_submodule(name).weight.detach()
        assert float(weight.std()) == pytest.approx(0.88 * math.sqrt(2 / fan_in), rel=0.1), name
        assert float(weight.abs().max()) <= 2 * math.sqrt(2 / fan_in)
    assert net.head.linear.bias is None
    net.reset_classifier(7)
    assert net.head.linear.bias is None


def test_weights_of_layers_differ() -> None:
    """Layers of one shape start differently."""
    net = built(small("nasnet_a_cifar", N=2), seed=1)
    weights = [w.flatten() for n, w in net.named_parameters() if n.endswith(".left.2.weight")]
    for first, second in pairwise(weights):
        if first.shape == second.shape:
            assert not torch.equal(first, second)


def test_many_weights_are_drawn_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads change nothing but the time."""
    graph = small("nasnet_a_cifar")
    alone = built(graph, seed=1).state_dict()
    monkeypatch.setattr("nasdsl_backends.torch.initialise._MANY", 0)
    together = built(graph, seed=1).state_dict()
    assert all(torch.equal(alone[name], together[name]) for name in alone)


def test_reset_parameters() -> None:
    """Everything starts anew: weights, statistics, progress."""
    graph = small("nasnet_a_cifar")
    net = randomised(built(graph, seed=1))
    net.set_progress(0.5)
    net.reset_parameters(seed=4)
    fresh = built(graph, seed=4).state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in net.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtype(dtype: torch.dtype) -> None:
    """Parameters and statistics have the type asked for, and the weights of the seed."""
    graph = small("nasnet_a_cifar")
    net, plain = built(graph, dtype=dtype, seed=1), built(graph, seed=1)
    assert {p.dtype for p in net.parameters()} == {dtype}
    weight, same = net.stem.conv.weight, plain.stem.conv.weight
    assert torch.equal(weight, same.to(dtype))
    assert net.eval()(image(graph).to(dtype)).dtype == dtype
    # By its name, as flags have it, or as PyTorch prints it.
    for name in (str(dtype), str(dtype).removeprefix("torch.")):
        named = built(graph, dtype=name, seed=1)
        assert torch.equal(named.stem.conv.weight, weight)


def test_meta() -> None:
    """Built without values, filled later: as anywhere in PyTorch."""
    graph = small("nasnet_a_cifar")
    net = built(graph, device="meta")
    assert {tensor.device.type for tensor in net.state_dict().values()} == {"meta"}
    assert net(torch.empty((2, *graph.image), device="meta")).shape == (2, 7)
    with torch.device("meta"):
        assert built(graph).progress.is_meta
    filled = net.to_empty(device="cpu")
    filled.reset_parameters(seed=1)
    expected = built(graph, seed=1)
    x = image(graph)
    assert torch.equal(filled.eval()(x), expected.eval()(x))
    assigned = built(graph, device="meta")
    assigned.load_state_dict(expected.state_dict(), assign=True)
    assert torch.equal(assigned.eval()(x), expected(x))


def test_fake_tensors() -> None:
    """Shapes and memory can be worked out in PyTorch's fake mode."""
    graph = small("nasnet_a_cifar")
    with FakeTensorMode():
        net = built(graph)
        assert net(torch.empty((2, *graph.image))).shape == (2, 7)


def test_small_images() -> None:
    """Maps of one pixel normalise in evaluation, and norms without batches in training too."""
    for kind in ("nasnet_a_cifar", "example_b_form", "example_c_form"):
        net = built(small(kind, stem="cifar", image_size=1)).eval()
        assert net(image(net.graph, batch=1)).isfinite().all()


def test_wrong_mode() -> None:
    """There are two modes of drop path."""
    with pytest.raises(CellError, match="sometimes"):
        built(small("nasnet_a_cifar"), drop_path_mode="sometimes")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["nasnet_a_mobile", "darts_v2", "enas_micro"])
def test_strides_do_not_depend_on_the_image(name: str) -> None:
    """Not even where it is so small that maps of two strides have one size."""
    networks = [
        nasdsl.compile(name, device="meta", image_size=size, auxiliary=False) for size in (64, 8, 3)
    ]
    found = [[stage["reduction"] for stage in net.feature_info] for net in networks]
    assert found[0] == found[1] == found[2]
    assert found[0] == sorted(set(found[0]))
