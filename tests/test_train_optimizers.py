"""Optimizers and averages, against numpy written from the published equations."""

import numpy
import pytest
import torch
from torch import nn

from nasdsl.train.ema import WeightAverage
from nasdsl.train.optimizer import RMSProp, add_decay, decays_before_clip, optimizer_for
from nasdsl.train.recipe import recipe

STEPS = 7


def _gradients() -> list[numpy.ndarray]:
    return list(numpy.random.default_rng(1).normal(size=(STEPS, 3, 4)))


def _tensorflow_rmsprop(
    weights: numpy.ndarray, lr: float, rho: float, momentum: float, epsilon: float, decay: float
) -> list[numpy.ndarray]:
    """TensorFlow 1's `RMSPropOptimizer`, whose slot `rms` starts at one."""
    mean, update, history = numpy.ones_like(weights), numpy.zeros_like(weights), []
    for step, gradient in enumerate(_gradients()):
        gradient = gradient + decay * weights
        rate = lr / (step + 1)
        mean = rho * mean + (1 - rho) * gradient**2
        update = momentum * update + rate * gradient / numpy.sqrt(mean + epsilon)
        weights = weights - update
        history.append(weights)
    return history


@pytest.mark.parametrize("epsilon", [1.0, 1e-3])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_rmsprop_is_tensorflows(epsilon: float, decay: float) -> None:
    """Each of seven steps, with a rate that changes, in double precision."""
    start = numpy.random.default_rng(0).normal(size=(3, 4))
    weight = nn.Parameter(torch.tensor(start))
    optimizer = RMSProp([weight], 0.3, epsilon=epsilon, weight_decay=decay)
    expected = _tensorflow_rmsprop(start, 0.3, 0.9, 0.9, epsilon, decay)
    for step, gradient in enumerate(_gradients()):
        optimizer.param_groups[0]["lr"] = 0.3 / (step + 1)
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        numpy.testing.assert_allclose(weight.detach().numpy(), expected[step], rtol=1e-12)


def test_rmsprop_differs_from_pytorchs() -> None:
    """With epsilon 1 the first step of PyTorch's is several times as large."""
    ours, theirs = (nn.Parameter(torch.zeros(1)) for _ in range(2))
    ours.grad, theirs.grad = torch.full((1,), 2.0), torch.full((1,), 2.0)
    RMSProp([ours], 1.0).step()
    torch.optim.RMSprop([theirs], 1.0, alpha=0.9, eps=1.0, momentum=0.9).step()
    assert ours.item() == pytest.approx(-2 / numpy.sqrt(0.9 + 0.4 + 1))
    assert theirs.item() == pytest.approx(-2 / (numpy.sqrt(0.4) + 1))
    assert abs(ours.item() - theirs.item()) > 0.05


def test_rmsprop_goes_on_from_its_state() -> None:
    """Three steps, saved and loaded, then the rest: the same to the bit."""
    whole, parted = (nn.Parameter(torch.ones(3, 4)) for _ in range(2))
    first, second = RMSProp([whole], 0.1), RMSProp([parted], 0.1)
    for step, gradient in enumerate(_gradients()):
        if step == 3:
            state = second.state_dict()
            second = RMSProp([parted], 0.1)
            second.load_state_dict(state)
        for weight, optimizer in ((whole, first), (parted, second)):
            weight.grad = torch.tensor(gradient, dtype=torch.float32)
            optimizer.step()
    assert torch.equal(whole, parted)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adamw"])
def test_scales_and_biases_do_not_decay(name: str) -> None:
    """With gradients of zero, matrices shrink and vectors stay."""
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Linear(3, 2))
    for param in net.parameters():
        nn.init.constant_(param, 0.5)
        param.grad = torch.zeros_like(param)
    made = recipe("cifar", optimizer=name, weight_decay=0.1, lr=0.1, clip_decay=False)
    optimizer_for(net, made).step()
    for param in net.parameters():
        assert bool((param < 0.5).all()) == (param.ndim > 1)


def test_sgd_is_momentum_with_l2() -> None:
    """The speed is 0.9 of itself, plus g + 5e-4 w; the weights lose lr times it."""
    start = numpy.random.default_rng(0).normal(size=(3, 4))
    net = nn.Linear(4, 3, bias=False).double()
    net.weight.data = torch.tensor(start)
    optimizer = optimizer_for(net, recipe("cifar", clip_decay=False))
    speed, weights = numpy.zeros_like(start), start
    for gradient in _gradients():
        net.weight.grad = torch.tensor(gradient)
        optimizer.step()
        speed = 0.9 * speed + gradient + 5e-4 * weights
        weights = weights - 0.025 * speed
        numpy.testing.assert_allclose(net.weight.detach().numpy(), weights, rtol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_decay_before_the_clip_is_the_same_decay(name: str) -> None:
    """Where the clip is out of reach, it does not matter on which side of it decay is added."""
    results = []
    for inside in (True, False):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Linear(3, 2)).double()
        made = recipe("cifar", optimizer=name, weight_decay=0.1, clip_decay=inside)
        optimizer = optimizer_for(net, made)
        for param in net.parameters():
            param.grad = torch.full_like(param, 0.25)
        assert decays_before_clip(made) == inside
        if inside:
            add_decay(net.parameters(), made.weight_decay)
        optimizer.step()
        results.append(nn.utils.parameters_to_vector(net.parameters()))
    torch.testing.assert_close(*results, rtol=1e-14, atol=0)
    assert not decays_before_clip(recipe("cifar", optimizer="adamw"))
    assert not decays_before_clip(recipe("cifar", clip=0.0))


# -- averages -------------------------------------------------------------------------------


def test_average_is_tensorflows() -> None:
    """decay_t = min(decay, (1 + t) / (10 + t)), of the weights after each step."""
    net = nn.Linear(1, 1, bias=False).double()
    net.weight.data.fill_(1.0)
    average, expected = WeightAverage(net, 0.3), 1.0
    for step in range(20):
        net.weight.data.fill_(float(step))
        average.update(net)
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
        assert average.values["weight"].item() == pytest.approx(expected, rel=1e-12)


def test_average_is_beside_the_network() -> None:
    """The averages are a network of their own; the trained one has them when it is given them."""
    net = nn.Linear(2, 2)
    average, first = WeightAverage(net, 0.9), net.weight.detach().clone()
    own = first + 1
    net.weight.data.copy_(own)
    assert torch.equal(average.net.weight, first)
    assert torch.equal(net.weight, own)
    average.copy_to(net)
    assert torch.equal(net.weight, first)


def test_average_of_moving_statistics() -> None:
    """As in slim, they are averaged like weights; counters are the network's own."""
    net = nn.BatchNorm1d(2)
    net.register_buffer("progress", torch.zeros(()))
    average, expected = WeightAverage(net, 0.3), torch.zeros(2)
    for step in range(10):
        net(torch.full((4, 2), float(step)))
        net.progress.fill_(step)
        average.update(net)
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * net.running_mean
        assert torch.allclose(average.values["running_mean"], expected)
    assert not torch.allclose(expected, net.running_mean)
    average.copy_to(net)
    assert torch.allclose(net.running_mean, expected)
    assert (net.progress.item(), net.num_batches_tracked.item()) == (9, 10)


def test_average_goes_on_from_its_state() -> None:
    """The state has the number of updates, on which the early decay depends."""
    net = nn.Linear(2, 2)
    one = WeightAverage(net, 0.999)
    net.weight.data.add_(1)
    one.update(net)
    other = WeightAverage(net, 0.999)
    other.load_state_dict(one.state_dict())
    net.weight.data.add_(1)
    one.update(net)
    other.update(net)
    assert torch.equal(one.values["weight"], other.values["weight"])
