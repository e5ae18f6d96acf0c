"""Super-networks: what a member computes in one is what its own network computes."""

import copy

import pytest
import torch
from torch import Tensor

import nasdsl
from nasdsl.errors import CellError
from nasdsl.space import genotype_at
from tests.thorough import THOROUGH, many

# A block of everything that makes shapes depend on choices: `concat` blocks, an output of whatever
# nothing reads, inputs that need matching in some members.
MIXED = """
genotype mixed
ops nasnet
cell normal {
    2 * (?, ?, {sep_conv_3x3 | identity}, {identity | max_pool_3x3}, {add | concat})
}
cell reduction {
    2 * (?, ?, {conv_1x1 | identity}, {avg_pool_3x3 | identity}, {add | concat})
}
"""
TWO_HOLES = """
genotype two_holes
ops nasnet
cell normal {
    a = (h[i], h[i-1], {sep_conv_3x3 | identity}, identity, add)
    b = ({h[i] | a}, a, identity, max_pool_3x3, add)
    output each(a, b)
}
cell reduction {
    a = (h[i], h[i-1], sep_conv_3x3, identity, add)
    b = (h[i], a, identity, identity, add)
    output each(a, b)
}
"""
EDGES = """
genotype edges
ops darts
cell normal {
    2 * (?, ?, {none | sep_conv_3x3 | skip_connect}, {none | sep_conv_3x3 | skip_connect}, add)
    output concat(b0, b1)
}
cell reduction {
    2 * (?, ?, {max_pool_3x3 | skip_connect}, {max_pool_3x3 | skip_connect}, add)
    output concat(b0, b1)
}
"""
ENAS = """
genotype small_enas
ops enas
cell normal { 2 * (?, ?, ?, ?, add) }
cell reduction { 2 * (?, ?, ?, ?, add) }
"""
SMALL = {"cell_filters": 2, "image_size": 8, "classes": 3}
SPACES = {
    "mixed": (MIXED, {"N": 1, "stem": "cifar", "drop_path": 0.3}),
    "mixed_imagenet": (MIXED, {"N": 1, "stem": "imagenet", "image_size": 32, "cell_filters": 4}),
    "two_holes": (TWO_HOLES, {"N": 1, "stem": "cifar"}),
    "edges": (EDGES, {"layers": 3, "stem": "cifar", "skeleton": "darts"}),
    "enas": (ENAS, {"N": 1, "stem": "cifar", "skeleton": "enas"}),
    "nasbench201": ("nasbench201_space", {"N": 1}),
    "joined_nasbench201": (MIXED, {"N": 1, "skeleton": "nasbench201"}),
}
#: The library's large spaces, whose super-networks take long to build.
LARGE = {
    "nasnet_space": ("nasnet_space", {"N": 1, "stem": "cifar"}),
    "enas_space": ("enas_space", {"N": 1}),
    "darts_space": ("darts_space", {"layers": 3}),
}
if THOROUGH:
    SPACES |= LARGE


def _space(text: str) -> nasdsl.Space:
    return nasdsl.loads_space(text) if "\n" in text else nasdsl.load_space(text)


def _logits(net: torch.nn.Module, x: Tensor, training: bool) -> Tensor:
    torch.manual_seed(0)
    net.train(training)
    made: Tensor = net(x)
    return made


@pytest.mark.parametrize(
    ("name", "sharing", "dtype"),
    [
        *((name, "slots", torch.float64) for name in SPACES),
        ("mixed", "slots", torch.float32),
        ("edges", "edges", torch.float64),
    ],
)
def test_a_member_computes_what_its_own_network_does(name, sharing, dtype) -> None:
    """Bit for bit in both precisions, after a step of training too; so are moving statistics."""
    text, settings = SPACES[name]
    space, settings = _space(text), {**SMALL, **settings}
    net = nasdsl.supernet(space, sharing=sharing, dtype=dtype, seed=1, **settings)
    net.set_progress(0.5)
    size = settings["image_size"]
    x = torch.randn(2, 3, size, size, dtype=dtype, generator=torch.Generator().manual_seed(3))
    for genotype in nasdsl.sample(space, many(200, usually=2), seed=7):
        net.choose(genotype)
        inherited = net.member().state_dict()
        alone = nasdsl.compile(genotype, dtype=dtype, seed=2, **settings)
        alone.load_state_dict(inherited)
        assert torch.equal(_logits(net, x, False), _logits(alone, x, False))
        assert torch.equal(_logits(net, x, True), _logits(alone, x, True))
        after = net.member().state_dict()
        moved = [key for key in after if not torch.equal(after[key], inherited[key])]
        assert any("running_mean" in key for key in moved)
        if sharing == "slots":
            # Where both operands are one edge, its layers see a batch twice.
            for key, value in alone.state_dict().items():
                assert torch.equal(after[key], value), key


def test_gradients_are_the_members_and_unused_options_get_none() -> None:
    """A step changes what the chosen member has, by the gradient that it has by itself."""
    text, settings = SPACES["mixed"]
    space, settings = _space(text), {**SMALL, **settings, "drop_path": 0.0}
    net = nasdsl.supernet(space, dtype=torch.float64, seed=1, **settings)
    genotype = next(nasdsl.sample(space, 1, seed=5))
    net.choose(genotype)
    alone = net.member()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    net(x).square().sum().backward()
    alone(x).square().sum().backward()
    total = sum(p.grad.square().sum() for p in net.parameters() if p.grad is not None)
    expected = sum(p.grad.square().sum() for p in alone.parameters())
    assert torch.allclose(total, expected, rtol=1e-12)
    used = sum(p.numel() for p in net.parameters() if p.grad is not None)
    assert used < sum(p.numel() for p in net.parameters())


def test_the_parameters_of_the_chosen_member_are_all_that_get_gradients() -> None:
    text, settings = SPACES["mixed"]
    space = _space(text)
    net = nasdsl.supernet(space, seed=1, **{**SMALL, **settings, "drop_path": 0.0})
    x = torch.randn(2, 3, 8, 8)
    for genotype in nasdsl.sample(space, 3, seed=2):
        net.choose(genotype)
        net(x).square().sum().backward()
        chosen = {id(parameter) for parameter in net.chosen_parameters()}
        found = {id(each) for each in net.parameters() if each.grad is not None}
        assert found <= chosen
        for parameter in net.chosen_parameters():
            parameter.grad = None
        assert all(parameter.grad is None for parameter in net.parameters())


def test_modes_reach_a_member_whenever_it_is_chosen() -> None:
    """Members share layers, so that one of them must not find another's mode."""
    text, settings = SPACES["mixed"]
    net = nasdsl.supernet(_space(text), seed=1, **{**SMALL, **settings})
    first, second = nasdsl.sample(_space(text), 2, seed=2)
    x = torch.randn(2, 3, 8, 8)
    for genotype, mode in ((first, True), (second, False), (first, False), (second, True)):
        net.choose(genotype)
        net.train(mode)
        net(x)
        norms = [each for each in net.modules() if isinstance(each, torch.nn.BatchNorm2d)]
        assert {norm.training for norm in norms} == {mode}
        before = [norm.running_mean.clone() for norm in norms]
        net.logits(x)
        assert not net.training
        for norm, mean in zip(norms, before, strict=True):
            assert torch.equal(norm.running_mean, mean)
            assert not norm.training
            assert norm.track_running_stats


@pytest.mark.parametrize("name", ["mixed", "two_holes", "nasbench201"])
def test_members_share_modules_and_compute_what_they_do_alone(name: str) -> None:
    """Stems, heads and equal cells are built once, whichever members come between, in any mode."""
    text, settings = SPACES[name]
    space, settings = _space(text), {**SMALL, **settings}
    net = nasdsl.supernet(space, dtype=torch.float64, seed=1, **settings)
    net.set_progress(0.5)
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    members = [genotype_at(space, index) for index in (0, 1, 2, nasdsl.count(space) - 1)]
    for turn, at in enumerate((0, 1, 2, 3, 0, 3, 1, 1, 2, 0)):
        net.choose(members[at])
        alone = net.member()
        # A mode lasts for some turns, so that it changes while others are chosen.
        training = turn % 4 > 1
        assert torch.equal(_logits(net, x, training), _logits(alone, x, training))
        found, expected = net.member().state_dict(), alone.state_dict()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
    # There are two where some members read what it gives before its ReLU and others do not.
    stems = {id(program.get_submodule("stem")) for program in net._programs.values()}
    assert len(stems) < len(members)


def test_a_copy_has_layers_of_its_own() -> None:
    """What a super-network keeps of members it has built stays behind."""
    text, settings = SPACES["mixed"]
    net = nasdsl.supernet(_space(text), seed=1, **{**SMALL, **settings, "drop_path": 0.0})
    first, second = nasdsl.sample(_space(text), 2, seed=2)
    x = torch.randn(2, 3, 8, 8)
    net.choose(first)
    before = _logits(net, x, False)
    twin = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(2)
    for genotype in (first, second):
        twin.choose(genotype)
        twin(x).square().sum().backward()
        assert all(parameter.grad is None for parameter in net.parameters())
        assert torch.equal(twin(x), twin.member()(x))
    assert torch.equal(_logits(net, x, False), before)


def test_a_member_costs_what_the_cost_model_says() -> None:
    text, settings = SPACES["mixed"]
    net = nasdsl.supernet(_space(text), seed=1, **SMALL, **settings)
    genotype = next(nasdsl.sample(_space(text), 1, seed=5))
    member = net.member(genotype)
    params = sum(parameter.numel() for parameter in member.parameters())
    assert params == nasdsl.cost(genotype, **SMALL, **settings).params
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    assert any(bool(parameter.any()) for parameter in member.parameters())


def test_weights_are_keyed_by_what_is_chosen() -> None:
    """As in ENAS, by cell, block, operand, input and op; as in DARTS, without the operand."""
    text, settings = SPACES["edges"]
    names = {
        sharing: {
            name.rpartition(".")[0]
            for name, _ in nasdsl.supernet(
                _space(text), sharing=sharing, **SMALL, **settings
            ).named_parameters()
            if ".b1." in name and "cells.0" in name
        }
        for sharing in ("slots", "edges")
    }
    wanted = {"cells.0.b1.edge.b0-sep_conv_3x3.1", "cells.0.b1.edge.h1-sep_conv_3x3.1"}
    assert wanted < names["edges"]
    slots = {name.replace("edge", side) for name in names["edges"] for side in ("left", "right")}
    assert names["slots"] == slots


def test_the_library_has_the_spaces_of_enas_and_darts() -> None:
    """Five ops and 2 to 6 inputs for each operand in ENAS, eight and 2 to 5 in DARTS."""
    enas, darts = nasdsl.load_space("enas_space"), nasdsl.load_space("darts_space")
    assert nasdsl.count(enas) == (5**10 * (2 * 3 * 4 * 5 * 6) ** 2) ** 2
    assert nasdsl.count(darts) == (8**8 * (2 * 3 * 4 * 5) ** 2) ** 2


def _code(raised: pytest.ExceptionInfo[CellError]) -> list[str]:
    return [found.code for found in raised.value.diagnostics]


def test_a_space_of_one() -> None:
    with pytest.raises(CellError) as raised:
        nasdsl.supernet("nasnet_a")
    assert _code(raised) == ["NAS604"]


@pytest.mark.parametrize(
    "settings", [{"relaxation": "soft"}, {"sharing": "all"}, {"filters": 96, "stem": "cifar"}]
)
def test_illegal_settings(settings) -> None:
    with pytest.raises(CellError) as raised:
        nasdsl.supernet(_space(MIXED), **settings)
    assert _code(raised) == ["NAS891"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"dtype": "float"}, "NAS502"),
        ({"dtype": torch.int64}, "NAS502"),
        ({"seed": "a"}, "NAS502"),
        ({"seed": -1}, "NAS502"),
        ({"drop_path_mode": "x"}, "NAS502"),
        ({"device": "nowhere"}, "NAS707"),
        ({"device": 7.5}, "NAS707"),
        ({"affine": "no"}, "NAS008"),
    ],
)
@pytest.mark.parametrize("relaxation", ["path", "softmax"])
def test_illegal_options(relaxation: str, options: dict[str, object], code: str) -> None:
    """They are refused as those of a network are."""
    with pytest.raises(CellError) as raised:
        nasdsl.supernet("nasbench201_space", N=1, relaxation=relaxation, **options)
    assert [found.code for found in raised.value.diagnostics] == [code]
    if "affine" not in options:
        with pytest.raises(CellError) as refused:
            nasdsl.compile("nasnet_a", N=1, cell_filters=4, **options)
        assert refused.value.diagnostics == raised.value.diagnostics


def test_misspelt_settings() -> None:
    with pytest.raises(CellError) as raised:
        nasdsl.supernet(_space(MIXED), cel_filters=4)
    assert _code(raised) == ["NAS501"]


def test_a_stranger_and_no_choice() -> None:
    text, settings = SPACES["two_holes"]
    net = nasdsl.supernet(_space(text), **SMALL, **settings)
    with pytest.raises(CellError) as raised:
        net(torch.zeros(1, 3, 8, 8))
    assert _code(raised) == ["NAS891"]
    for method in (net.choose, net.member):
        with pytest.raises(CellError) as raised:
            method(nasdsl.load("nasnet_a"))
        assert _code(raised) == ["NAS602"]


def test_a_super_network_larger_than_the_memory() -> None:
    """It is refused before anything is made, by the graph's own count; on `meta` it is built."""
    space = nasdsl.load_space("darts_space")
    large = {"layers": 8, "cell_filters": 50_000}
    with pytest.raises(CellError, match="NAS707"):
        nasdsl.supernet(space, **large)
    small = nasdsl.supernet(space, layers=3, cell_filters=4, device="meta")
    tensors = small.state_dict()
    counters = sum(name.endswith("num_batches_tracked") for name in tensors)
    numbers = sum(each.numel() for each in tensors.values()) - counters - 1  # `progress`
    assert small.graph.numbers - counters == numbers
