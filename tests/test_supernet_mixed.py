"""Super-networks that mix options, and the algorithms that train super-networks."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

import nasdsl
from nasdsl.errors import CellError
from nasdsl.oneshot.darts import ArchitectRecipe, Darts
from nasdsl.oneshot.mixing import derived, mixtures
from nasdsl.oneshot.single_path import SinglePath
from nasdsl.oneshot.weights_optimizer import WeightsRecipe

EDGES = """
genotype edges
ops darts
cell normal {
    b0 = (?, ?, {none | sep_conv_3x3 | skip_connect}, {none | sep_conv_3x3 | skip_connect}, add)
    b1 = (b0, {h[i] | b0}, skip_connect, {avg_pool_3x3 | skip_connect}, add)
    output concat(b0, b1)
}
cell reduction {
    b0 = (h[i], h[i-1], {max_pool_3x3 | skip_connect}, skip_connect, add)
    output concat(b0)
}
"""
SMALL = {"layers": 3, "skeleton": "darts", "stem": "cifar"}
SIZE = {"cell_filters": 2, "image_size": 8, "classes": 3, "dtype": torch.float64, "seed": 1}


def _batch(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 3, 8, 8, dtype=torch.float64, generator=generator), torch.arange(4) % 3


def _net(relaxation: str = "softmax", text: str = EDGES, **more) -> torch.nn.Module:
    return nasdsl.supernet(
        nasdsl.loads_space(text), relaxation=relaxation, **{**SIZE, **SMALL, **more}
    )


def test_the_super_network_of_darts_has_its_size() -> None:
    """1.930618 million parameters at 16 filters and 8 layers, as users of quark0/darts log it."""
    net = nasdsl.supernet(
        "darts_space", relaxation="softmax", affine=False, layers=8, cell_filters=16, device="meta"
    )
    assert sum(weight.numel() for weight in net.weights()) == 1_930_618
    shapes = [tuple(alpha.shape) for alpha in net.alphas.values()]
    assert shapes == 2 * [(2, 8), (3, 8), (4, 8), (5, 8)]


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel"])
def test_one_hot_mixtures_compute_what_the_member_does(relaxation) -> None:
    """Each edge of NAS-Bench-201 is a choice of its own, so certain alphas are a member."""
    net = nasdsl.supernet("nasbench201_space", relaxation=relaxation, N=1, **SIZE).train()
    images, _ = _batch(0)
    for genotype in nasdsl.sample(net.graph.space, 2, seed=1):
        blocks = genotype.cells[0].blocks
        with torch.no_grad():
            for name, alpha in net.alphas.items():
                mixture = net.mixtures[name]
                op = blocks[mixture.block].ops[mixture.word == "right"]
                alpha.fill_(-1e6)[0, mixture.options.index(op)] = 0
        net.mix()
        mixed = net(images)
        assert torch.allclose(mixed, net.member(genotype)(images), rtol=1e-12, atol=1e-12)
        net.choose(genotype)
        assert torch.allclose(mixed, net(images), rtol=1e-12, atol=1e-12)


def test_an_edge_adds_up_its_options() -> None:
    """The mixture of a space with one open op, by hand. A network of one layer has a reduction."""
    text = """
genotype one
ops darts
cell normal {
    b0 = (h[i], h[i-1], skip_connect, skip_connect, add)
    output concat(b0)
}
cell reduction {
    b0 = (h[i], h[i-1], {none | skip_connect | avg_pool_3x3}, skip_connect, add)
    output concat(b0)
}
"""
    net = _net(text=text, layers=1).eval()
    (alpha,) = net.alphas.values()
    with torch.no_grad():
        alpha.copy_(torch.tensor([[0.3, -0.2, 0.5]]))
    maps = []
    hook = net.head.linear.register_forward_pre_hook(lambda layer, given: maps.append(given[0]))
    images, _ = _batch(0)
    net(images)
    for genotype in nasdsl.enumerate_genotypes(net.graph.space):
        net.choose(genotype)
        net(images)
    hook.remove()
    mixed, *alone = maps
    assert not torch.allclose(alone[0], alone[1])
    weights = alpha.softmax(-1)[0].tolist()
    wanted = sum(weight * each for weight, each in zip(weights, alone, strict=True))
    assert torch.allclose(mixed.flatten(1), wanted.flatten(1), rtol=1e-12)


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel"])
def test_every_alpha_gets_a_gradient(relaxation) -> None:
    net = _net(relaxation)
    images, labels = _batch(0)
    torch.manual_seed(0)
    F.cross_entropy(net(images), labels).backward()
    assert set(net.alphas) == {
        *("normal_b0_edge", "normal_b1_right", "reduction_b0_left"),
    }
    for name, alpha in net.alphas.items():
        assert alpha.grad.abs().sum() > 0, name


def test_a_gumbel_draw_runs_one_option_of_each_choice() -> None:
    """What is not drawn takes no part: its weights get no gradient."""
    soft, hard = _net("softmax"), _net("gumbel")
    used = []
    for net in (soft, hard):
        torch.manual_seed(0)
        images, labels = _batch(0)
        F.cross_entropy(net(images), labels).backward()
        used.append(sum(w.numel() for w in net.weights() if w.grad is not None))
    assert used[1] < used[0]


def test_the_two_strongest_edges_without_none() -> None:
    """The derivation of DARTS, on strengths written by hand."""
    space = nasdsl.loads_space(EDGES)
    # Options are h[i], h[i-1]; `none` is the strongest op of both, and h[i-1] has the better one.
    strengths = {
        "normal_b0_edge": [[0.6, 0.1, 0.3], [0.55, 0.4, 0.05]],
        "normal_b0_combine": [[1.0]],
        "normal_b1_left": [[1.0]],
        "normal_b1_right": [[0.1, 0.2], [0.5, 0.2]],
        "normal_b1_combine": [[1.0]],
        "reduction_b0_left": [[0.4, 0.6]],
        "reduction_b0_right": [[1.0]],
        "reduction_b0_combine": [[1.0]],
    }
    found = derived(space, strengths)
    assert [block.fields for cell in found.cells for block in cell.blocks] == [
        ("h[i-1]", "h[i]", "sep_conv_3x3", "skip_connect", "add"),
        ("b0", "b0", "skip_connect", "avg_pool_3x3", "add"),
        ("h[i]", "h[i-1]", "skip_connect", "skip_connect", "add"),
    ]
    assert nasdsl.contains(space, found)


@pytest.mark.parametrize("name", ["nasnet_space", "enas_space"])
def test_shapes_that_cannot_be_mixed(name) -> None:
    """`concat` beside `add`, and outputs of whatever nothing reads."""
    with pytest.raises(CellError) as raised:
        nasdsl.supernet(name, relaxation="softmax", N=1, stem="cifar", cell_filters=2)
    assert [found.code for found in raised.value.diagnostics] == ["NAS890"]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_norm_takes_in_a_weight(affine: bool, training: bool) -> None:
    """The same as its result times the weight: values, gradients and moving statistics."""
    from nasdsl_backends.torch.weighted import scaled_norm

    torch.manual_seed(0)
    norms = [torch.nn.BatchNorm2d(3, affine=affine, dtype=torch.float64) for _ in range(2)]
    if affine:
        torch.nn.init.normal_(norms[0].weight)
        torch.nn.init.normal_(norms[0].bias)
    norms[1].load_state_dict(norms[0].state_dict())
    found = []
    for norm, compute in zip(norms, (scaled_norm, lambda n, x, w: w * n(x)), strict=True):
        x = torch.linspace(-1, 2, 96, dtype=torch.float64).square().view(2, 3, 4, 4)
        x.requires_grad_()
        weight = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        made = compute(norm.train(training), x, weight)
        made.sin().sum().backward()
        gradients = [x.grad, weight.grad, *(each.grad for each in norm.parameters())]
        found.append([made.detach(), *gradients, *norm.buffers()])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_mixture_keeps_less_than_a_plain_one() -> None:
    """What is saved for the gradients, where both have the same weights and images."""
    from bench.mixed import LAYERS, WIDTH, _Plain

    ours = nasdsl.supernet(
        "darts_space", relaxation="softmax", affine=False, layers=LAYERS, cell_filters=WIDTH, seed=0
    )
    images = torch.zeros(1, 3, 32, 32)
    kept = []
    for net in (ours.train(), _Plain().train()):
        seen: dict[int, int] = {}

        def keep(tensor: Tensor, seen: dict[int, int] = seen) -> Tensor:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            made = net(images)
        kept.append(sum(seen.values()))
        del made
    assert kept[0] < 0.75 * kept[1]


def test_what_has_no_parameters_is_computed_once_a_state() -> None:
    """ReLUs and pools of a state, however many edges read it."""
    net = nasdsl.supernet(
        "darts_space", relaxation="softmax", layers=1, cell_filters=4, image_size=8, seed=0
    )
    counts: dict[str, int] = {}

    class Counted(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            counts[function.__name__] = counts.get(function.__name__, 0) + 1
            return function(*args, **(kwargs or {}))

    with Counted():
        net.train()(torch.zeros(2, 3, 8, 8))
    (cell,) = net.graph.cells.values()
    read = {(state, op) for m in mixtures(cell.space) for state in m.inputs for op in m.options}
    for op, name in {
        "max_pool_3x3": "max_pool2d_with_indices",
        "avg_pool_3x3": "avg_pool2d",
    }.items():
        assert counts[f"{name}.default"] == sum(each[1] == op for each in read)


# -- algorithms -----------------------------------------------------------------------------


def test_second_order_gradients_are_those_of_an_unrolled_step() -> None:
    """The finite difference, compared with differentiating through the step of SGD."""
    net = _net(affine=False).train()
    darts = Darts(net, 10, second_order=True, architect=ArchitectRecipe(radius=1e-4))
    train, valid = _batch(1), _batch(2)
    darts.optimizer.step(darts.loss(train))  # so that there is momentum
    weights = {name: w for name, w in net.named_parameters() if not name.startswith("alphas")}
    before = {name: w.detach().clone() for name, w in weights.items()}
    found = darts.alpha_gradients(train, valid)
    assert all(torch.equal(before[name], w) for name, w in weights.items())
    gradients = torch.autograd.grad(
        darts.loss(train), list(weights.values()), create_graph=True, allow_unused=True
    )
    lr, recipe = darts.optimizer.lr, darts.optimizer.recipe
    ahead = {}
    for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
        moving = darts.optimizer.sgd.state[weight].get("momentum_buffer", 0)
        step = recipe.weight_decay * weight + recipe.momentum * moving
        ahead[name] = weight - lr * (step if gradient is None else step + gradient)
    loss = F.cross_entropy(functional_call(net, ahead, (valid[0],)), valid[1])
    exact = torch.autograd.grad(loss, darts.alphas)
    first = torch.autograd.grad(darts.loss(valid), darts.alphas)
    for ours, theirs, plain in zip(found, exact, first, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-9)
        assert not torch.allclose(plain, theirs, rtol=1e-2)


@pytest.mark.parametrize("second_order", [False, True])
def test_darts_repeats_itself_and_derives_a_member(second_order) -> None:
    states = []
    for _ in range(2):
        darts = Darts(_net(affine=False), 3, second_order=second_order)
        start = [alpha.detach().clone() for alpha in darts.alphas]
        for number in range(3):
            darts.step(_batch(number), _batch(number + 10))
        # Adam moves each by about its rate, whatever the gradient's size is.
        for alpha, was in zip(darts.alphas, start, strict=True):
            assert 1e-4 < float((alpha - was).detach().abs().max()) < 2e-3
        assert nasdsl.contains(darts.net.graph.space, darts.genotype())
        assert "none" not in str(darts.genotype().cells)
        states.append(darts.net.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_single_path_trains_one_member_a_step() -> None:
    """Of all weights a step moves those of a member, and the same seed chooses the same members."""
    chosen = []
    for _ in range(2):
        net = _net("path", sharing="slots")
        path = SinglePath(net, 4, seed=3, recipe=WeightsRecipe(lr=0.1, lr_min=0.0))
        rates = []
        for number in range(4):
            before = {name: w.detach().clone() for name, w in net.named_parameters()}
            rates.append(path.optimizer.lr)
            path.step(_batch(number))
            moved = {n for n, w in net.named_parameters() if not torch.equal(w, before[n])}
            used = {n for n, w in net.named_parameters() if w.grad is not None}
            assert moved <= used < set(before)
            chosen.append(net.chosen)
        assert rates == pytest.approx([0.1, 0.1 * 0.853553, 0.05, 0.1 * 0.146447], rel=1e-5)
    assert chosen[:4] == chosen[4:]
    assert len(set(chosen)) > 1
