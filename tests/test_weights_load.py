"""Loading: all or nothing, everything that is wrong at once, and whose names they are."""

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import nasdsl
from nasdsl.errors import CellError
from nasdsl.space import genotype_at
from nasdsl.weights import LAYOUTS, load, parameters, table

torch = pytest.importorskip("torch", reason="weights are loaded into torch modules")

GOLDEN = Path(__file__).parent / "data" / "golden"

State = dict[str, Any]


pytestmark = pytest.mark.usefixtures("one_thread")


def _network(seed: int = 0, **settings: Any) -> Any:
    chosen = {"stem": "cifar", "N": 1, "filters": 96, "image_size": 32, "classes": 10}
    return nasdsl.compile("nasnet_a", seed=seed, **{**chosen, **settings})


def _slim() -> dict[str, Any]:
    """The golden checkpoint of the network above, in slim's names."""
    with numpy.load(GOLDEN / "slim_cifar_F4_N1.npz") as archive:
        return {
            name.removeprefix("var:"): archive[name]
            for name in archive.files
            if name.startswith("var:")
        }


SLIM = _slim()
NETWORK = _network()


def _state(net: Any) -> State:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def _equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _refused(net: Any, source: Any, code: str = "NAS801", **options: Any) -> Any:
    """The finding of a refused load, which must leave the network as it was."""
    before = _state(net)
    with pytest.raises(CellError) as caught:
        load(net, source, **options)
    assert _equal(_state(net), before)
    (found,) = caught.value.diagnostics
    assert found.code == code
    return found


def _foreign(net: Any, layout: str) -> dict[str, Any]:
    """The network's own values as a checkpoint of that layout would hold them."""
    state, arrays = net.state_dict(), {}
    for name, source in table(net.graph, layout).items():
        array = state[name].numpy()
        if source.axes is not None:
            array = array.transpose(numpy.argsort(source.axes))
        arrays[source.name] = array
    return arrays


# -- what is wrong ----------------------------------------------------------------------

_REMOVED = list(SLIM)[::40]
_RESHAPED = list(SLIM)[7::50]
_SPOILT = list(SLIM)[11::60]
_ADDED = ["cell_3/1x1/weights", "conv0/weights", "x", "aux_1/bogus"]


def _damaged(
    removed: frozenset[str],
    added: frozenset[str],
    reshaped: frozenset[str],
    spoilt: frozenset[str],
) -> dict[str, Any]:
    arrays = {name: array for name, array in SLIM.items() if name not in removed}
    arrays |= {name: numpy.zeros(3) for name in added}
    arrays |= {name: SLIM[name][..., None] for name in reshaped}
    return arrays | {name: numpy.full(SLIM[name].shape, "text") for name in spoilt}


def _some(names: list[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names), max_size=4)


@hypothesis_settings(max_examples=30)
@given(_some(_REMOVED), _some(_ADDED[:3]), _some(_RESHAPED), _some(_SPOILT))
def test_every_mistake_at_once(
    removed: frozenset[str],
    added: frozenset[str],
    reshaped: frozenset[str],
    spoilt: frozenset[str],
) -> None:
    """One finding has every wrong name, under what is wrong with it, and no other name."""
    reshaped -= removed
    spoilt -= removed | reshaped
    arrays = _damaged(removed, added, reshaped, spoilt)
    if not removed | added | reshaped | spoilt:
        assert load(copy.deepcopy(NETWORK), arrays, "slim").tensors == len(SLIM)
        return
    found = _refused(NETWORK, arrays, layout="slim")
    told = dict(hint.split(": ", 1) for hint in found.hints if ": `" in hint)
    named = {what: set(re.findall("`([^`]+)`", names)) for what, names in told.items()}
    wrong = {
        "missing": removed,
        "unexpected": added,
        "of another shape": reshaped,
        "not a tensor of numbers": spoilt,
    }
    assert named == {what: set(names) for what, names in wrong.items() if names}
    for what, names in wrong.items():
        assert (f"{len(names)} {what}" in found.message) == bool(names)


def test_shapes_are_told_as_the_source_has_them() -> None:
    """A wrong kernel is told in TensorFlow's order of axes: height, width, in, out."""
    name = "l1_stem_3x3/weights"
    arrays = SLIM | {name: SLIM[name].transpose(3, 2, 0, 1)}
    found = _refused(NETWORK, arrays, layout="slim")
    assert f"of another shape: `{name}` is 12x3x3x3, not 3x3x3x12" in found.hints


@pytest.mark.parametrize("shape", [(), (0,), (10, 0), (1, 10), (10, 1), (11,), (9,)])
def test_odd_shapes(shape: tuple[int, ...]) -> None:
    """Nothing is broadcast: a scalar, an empty array or a spare axis does not pass."""
    arrays = SLIM | {"final_layer/FC/biases": numpy.zeros(shape)}
    assert "1 of another shape" in _refused(NETWORK, arrays, layout="slim").message


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        object(),
        numpy.array([object()] * 10),
        numpy.zeros(10, complex),
        numpy.zeros(10, bool),
        numpy.zeros(10, "M8[s]"),
        numpy.zeros(10, "V4"),
        [1, [2, 3]],
        torch.zeros(10, dtype=torch.complex64),
        torch.zeros(10, dtype=torch.bool),
        torch.zeros(10, device="meta"),
        torch.zeros(10).to_sparse(),
    ],
)
def test_values_that_are_no_numbers(value: object) -> None:
    """What is no dense tensor of real numbers is told by name."""
    arrays = SLIM | {"final_layer/FC/biases": value}
    found = _refused(NETWORK, arrays, layout="slim")
    assert "not a tensor of numbers: `final_layer/FC/biases`" in found.hints


def test_names_that_mean_the_same() -> None:
    """Two spellings of one name are refused: neither is preferred."""
    name = "final_layer/FC/biases"
    found = _refused(NETWORK, SLIM | {f"{name}:0": SLIM[name]}, layout="slim")
    assert f"given twice: `{name}:0`" in found.hints


def test_names_that_are_no_text() -> None:
    """A mapping of numbers to arrays is no checkpoint."""
    assert "names" in _refused(NETWORK, {0: numpy.zeros(3)}, "NAS802").message


def test_another_architecture() -> None:
    """Weights of which no name is known fit in no layout, and the message has some names."""
    resnet = {f"layer{i}.0.conv1.weight": numpy.zeros((64, 64, 3, 3)) for i in range(1, 9)}
    found = _refused(NETWORK, resnet)
    assert "in any layout" in found.message
    assert "`layer1.0.conv1.weight`" in found.hints[0]
    asked = _refused(NETWORK, resnet, layout="slim")
    assert asked.hints[0] == "they belong to another network, or are in another layout"
    assert all(f"`{name}`" in hint for name in SLIM for hint in asked.hints if "missing" in hint)
    assert "are empty" in _refused(NETWORK, {}).message


def test_another_size() -> None:
    """The same network with twice the filters differs in shapes, and the hint says so."""
    wide = _foreign(_network(filters=192), "slim")
    found = _refused(NETWORK, wide, layout="slim")
    assert (
        found.hints[0] == "they were made with other settings: filters, N, classes or stem_filters"
    )


def test_weights_without_auxiliary_classifier() -> None:
    """The hint says how to compile a network they fit."""
    found = _refused(_network(auxiliary=True), _state(NETWORK), layout="native")
    assert "`auxiliary=False`" in found.hints[0]


def test_what_is_no_network() -> None:
    """A module that nasdsl did not compile is a mistake of the program around it."""
    with pytest.raises(CellError, match="not a Linear"):
        load(torch.nn.Linear(2, 2), {})


# -- 1001 classes -----------------------------------------------------------------------


def test_background_class() -> None:
    """A class more is refused with the way out, which leaves out the first class."""
    bigger = {
        name: numpy.concatenate([numpy.full_like(array[..., :1], 1e9), array], -1)
        if name.startswith("final_layer")
        else array
        for name, array in SLIM.items()
    }
    assert "`drop_background=True`" in _refused(NETWORK, bigger, layout="slim").hints[0]
    one, other = _network(1), _network(2)
    load(one, SLIM, "slim")
    load(other, bigger, "slim", drop_background=True)
    assert _equal(_state(one), _state(other))
    # Weights without the class have no class to leave out.
    found = _refused(NETWORK, SLIM, layout="slim", drop_background=True)
    assert "2 of another shape" in found.message
    assert "`final_layer/FC/biases` is 10, not 11" in found.hints[-1]


# -- whose names they are ---------------------------------------------------------------

_IMAGENET = {"stem": "imagenet", "image_size": 64, "classes": 5, "filters": 96, "stem_filters": 8}
_DARTS = {"skeleton": "darts", "stem": "cifar", "N": 1, "filters": 32, "classes": 5}
_BENCHMARK = {"skeleton": "nasbench201", "N": 1, "filters": 32, "classes": 5}
#: A cell with three convolutions, and edges without tensors between them.
_EDGES = genotype_at(nasdsl.load_space("nasbench201_space"), 12_345)

CASES: list[tuple[str, str, str | nasdsl.Genotype, dict[str, Any]]] = [
    ("native", "native", "nasnet_a", _IMAGENET | {"N": 1}),
    ("native", "native", "example_b_form", {"stem": "cifar", "N": 1, "classes": 5}),
    ("slim", "slim", "nasnet_a", _IMAGENET | {"N": 1, "auxiliary": True, "image_size": 160}),
    ("slim", "slim", "pnasnet5", _IMAGENET | {"N": 2, "filters": 160}),
    ("timm", "timm", "nasnet_a", _IMAGENET | {"N": 6}),
    ("timm", "timm", "pnasnet5", _IMAGENET | {"N": 4, "filters": 160}),
    # With six cells a stage, Cadene's names are timm's.
    ("cadene", "timm", "nasnet_a", _IMAGENET | {"N": 6}),
    ("cadene", "cadene", "nasnet_a", _IMAGENET | {"N": 4}),
    ("keras", "keras", "nasnet_a", _IMAGENET | {"N": 4}),
    ("darts", "darts", "darts_v2", _DARTS),
    ("darts", "darts", "darts_v1", _DARTS | {"auxiliary": True}),
    ("darts", "darts", "darts_v2", _DARTS | {"stem": "imagenet", "image_size": 64}),
    ("nasbench201", "nasbench201", _EDGES, _BENCHMARK),
]


@pytest.mark.parametrize(("layout", "detected", "genotype", "settings"), CASES)
def test_layouts_are_found(
    layout: str, detected: str, genotype: str | nasdsl.Genotype, settings: dict[str, Any]
) -> None:
    """Names decide the layout, and every tensor of the checkpoint arrives in its place."""
    source = nasdsl.compile(genotype, seed=1, **settings)
    for number, tensor in enumerate(source.state_dict().values()):
        if tensor.is_floating_point():
            tensor.add_(torch.randn(tensor.shape, generator=torch.Generator().manual_seed(number)))
    net = nasdsl.compile(genotype, seed=2, **settings)
    loaded = load(net, _foreign(source, layout))
    assert loaded.layout == detected
    assert loaded.tensors == len(table(net.graph, layout))
    expected = _state(source) | {"progress": net.state_dict()["progress"]}
    assert _equal(_state(net), expected)


def test_parameters_are_those_of_the_module() -> None:
    """The graph's account of names and shapes is the module's state, in its order."""
    settings = [(genotype, chosen) for _, _, genotype, chosen in CASES]
    for genotype, chosen in settings:
        net = nasdsl.compile(genotype, device="meta", **chosen)
        told = {name: parameter.shape for name, parameter in parameters(net.graph).items()}
        held = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
        assert told == {name: shape for name, shape in held.items() if name != "progress"}


def test_auto_is_as_good_as_being_told() -> None:
    """`auto` and the layout's name load the same."""
    one, other = _network(1), _network(2)
    assert load(one, SLIM) == load(other, SLIM, "slim")
    assert _equal(_state(one), _state(other))


def test_unknown_layout() -> None:
    """An unknown layout is refused before anything is read."""
    found = _refused(NETWORK, "no such file", "NAS805", layout="tf-slim")
    assert "did you mean `slim`?" in found.hints
    assert all(f"`{name}`" in found.hints[-1] for name in [*LAYOUTS, "auto"])


# -- what surrounds weights -------------------------------------------------------------


def _wrapped() -> Iterator[tuple[str, Callable[[State], Mapping[str, Any]]]]:
    yield "checkpoint", lambda state: {"state_dict": state, "epoch": 3, "arch": "nasnet"}
    yield "nested", lambda state: {"net": {"model": state}, "optimizer": {"state": {}}}
    yield "parallel", lambda state: {f"module.{name}": value for name, value in state.items()}
    yield "compiled", lambda state: {f"_orig_mod.{name}": value for name, value in state.items()}
    yield (
        "both",
        lambda state: {
            "state_dict": {f"module._orig_mod.{name}": value for name, value in state.items()}
        },
    )
    yield (
        "marked",
        lambda state: {
            **{f"state:{name}": value for name, value in state.items()},
            "logits": numpy.zeros(3),
        },
    )


@pytest.mark.parametrize(("wrap"), [wrap for _, wrap in _wrapped()], ids=[n for n, _ in _wrapped()])
def test_wrappers(wrap: Callable[[State], Mapping[str, Any]]) -> None:
    """What training scripts put around a state dict is taken off."""
    net = _network(1)
    load(net, wrap(_state(NETWORK)))
    assert _equal(_state(net), _state(NETWORK))


def test_what_training_leaves_behind() -> None:
    """The global step, moving averages and an auxiliary classifier are told, not refused."""
    extra = [
        "global_step",
        "l1_stem_bn/gamma/ExponentialMovingAverage",
        "aux_1/aux_logits/FC/biases",
    ]
    net = _network(1)
    loaded = load(net, SLIM | {name: numpy.zeros(()) for name in extra}, "slim")
    assert loaded.spare == tuple(extra)
    # With an auxiliary classifier of its own the network wants its weights.
    found = _refused(_network(auxiliary=True), SLIM, layout="slim")
    assert "aux_1/aux_logits/FC/biases" in found.hints[1]


def test_counts_of_batches_are_optional() -> None:
    """Checkpoints older than PyTorch 0.4.1 do not count batches; the counts stay."""
    state = {name: value for name, value in _state(NETWORK).items() if "batches" not in name}
    net = _network(1)
    for name, tensor in net.state_dict().items():
        if "batches" in name:
            tensor.fill_(7)
    load(net, state)
    counts = {int(value) for name, value in _state(net).items() if "batches" in name}
    assert counts == {7}
    assert _equal({name: _state(net)[name] for name in state}, state)


def test_progress_travels_with_our_own_weights() -> None:
    """A network's own state has how far training is; other layouts leave it."""
    source, net = _network(1), _network(2)
    source.set_progress(0.5)
    load(net, source.state_dict())
    assert float(net.progress) == 0.5
    load(net, SLIM)
    assert float(net.progress) == 0.5


def test_other_classifiers() -> None:
    """A classifier taken off needs no weights; one replaced wants its own shape."""
    net = _network()
    net.reset_classifier(3)
    assert "2 of another shape" in _refused(net, SLIM).message
    net.reset_classifier(0)
    loaded = load(net, SLIM)
    assert set(loaded.spare) == {"final_layer/FC/weights", "final_layer/FC/biases"}
    assert loaded.tensors == len(SLIM) - 2


@pytest.mark.parametrize("format", ["pt", "safetensors", "npz"])
def test_files(format: str, tmp_path: Path) -> None:
    """A saved state comes back from every format, and a file cut short changes nothing."""
    path = tmp_path / f"net.{format}"
    state = _state(NETWORK)
    if format == "pt":
        torch.save({"state_dict": state, "step": 3}, path)
    elif format == "safetensors":
        safetensors_torch = pytest.importorskip("safetensors.torch")
        safetensors_torch.save_file(state, path, {"format": "pt"})
    else:
        arrays: dict[str, Any] = {name: value.numpy() for name, value in state.items()}
        numpy.savez(path, **arrays)
    net = _network(1)
    assert load(net, str(path)).layout == "native"
    assert _equal(_state(net), state)
    path.write_bytes(path.read_bytes()[:-1000])
    _refused(_network(2), path, "NAS802")
    _refused(_network(2), tmp_path / "none.pt", "NAS001")


# -- values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "longdouble", "int8", ">f4", ">f8"]
)
def test_arrays_of_any_type(dtype: str) -> None:
    """Arrays are cast to the network's type, whatever their own type and byte order."""
    net = _network()
    arrays = {name: numpy.round(array * 8).astype(dtype) for name, array in SLIM.items()}
    load(net, arrays, "slim")
    expected = {name: numpy.round(array * 8).astype("f4") for name, array in SLIM.items()}
    other = _network(1)
    load(other, expected, "slim")
    assert _equal(_state(net), _state(other))
    assert net.head.linear.weight.dtype == torch.float32


def test_arrays_in_any_order() -> None:
    """Read-only arrays, reversed views and Fortran's order are all read."""
    turned = {name: numpy.flip(numpy.flip(array).copy()) for name, array in SLIM.items()}
    frozen = {name: numpy.asfortranarray(array) for name, array in SLIM.items()}
    for array in frozen.values():
        array.flags.writeable = False
    plain = _network()
    load(plain, SLIM)
    for arrays in (turned, frozen):
        net = _network(1)
        load(net, arrays)
        assert _equal(_state(net), _state(plain))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_network_keeps_its_type(dtype: Any) -> None:
    """A network made in another type takes the weights in that type."""
    net = _network(dtype=dtype)
    load(net, SLIM)
    held = net.head.linear.bias
    assert held.dtype == dtype
    assert torch.equal(held, torch.tensor(SLIM["final_layer/FC/biases"]).to(dtype))


def test_meta_networks_come_to_life() -> None:
    """A network without values takes them from the source, and keeps none of its memory."""
    net = _network(device="meta")
    arrays = {name: array.copy() for name, array in SLIM.items()}
    load(net, arrays)
    for array in arrays.values():
        array.fill(numpy.nan)
    plain = _network()
    load(plain, SLIM)
    assert _equal(_state(net), _state(plain))
    image = torch.zeros(1, 3, 32, 32)
    assert torch.equal(net.eval()(image), plain.eval()(image))
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_memory_format_and_gradients_stay() -> None:
    """Values change in place: the layout in memory, what is frozen, and who refers to it."""
    net = _network().to(memory_format=torch.channels_last)
    net.requires_grad_(False)
    kernel = net.stem.conv.weight
    load(net, SLIM)
    assert net.stem.conv.weight is kernel
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_every_layout_is_tried() -> None:
    """The cases above find every layout there is."""
    assert {layout for layout, *_ in CASES} == set(LAYOUTS)
    assert len(set(itertools.chain.from_iterable(case[:2] for case in CASES))) == len(LAYOUTS)
