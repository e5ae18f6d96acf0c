"""The paper's controller: its numbers, its distribution, its objective, and that it learns."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from nasdsl.loading import load_space, loads_space  # noqa: E402
from nasdsl.search.algorithms.ppo import PPO, ControllerNetwork  # noqa: E402
from nasdsl.search.protocol import Result  # noqa: E402
from nasdsl.search.searchers import options_of  # noqa: E402

SPACE = loads_space("""
genotype small
ops nasnet
cell normal    { b0 = (?, ?, {identity | conv_1x1 | conv_3x3}, {identity | conv_1x1}, add) }
cell reduction { b0 = (h[i], h[i], identity, {identity | conv_1x1 | conv_3x3}, {add | concat}) }
""")
SIZES = (2, 2, 3, 2, 3, 2)


def _network(sizes: tuple[int, ...] = SIZES, hidden: int = 8, init: float = 1.0) -> Any:
    return ControllerNetwork(sizes, hidden, init, torch.Generator().manual_seed(0))


def _results(texts: list[str], rewards: list[float | None]) -> list[Result]:
    return [
        Result(text, "", reward, None if reward is not None else "failed")
        for text, reward in zip(texts, rewards, strict=True)
    ]


def test_the_numbers_are_the_papers() -> None:
    """Appendix A.1 of Zoph et al. 2018, and two softmaxes for each of 5B decisions."""
    given = options_of("ppo")
    paper = {"hidden": 100, "init": 0.1, "lr": 0.00035, "entropy": 0.00001, "baseline": 0.95}
    assert paper.items() <= given.items()
    assert given["batch"] == 20
    search = PPO(load_space("nasnet_space"), 0)
    assert search.network.lstm.hidden_size == 100
    assert search.network.lstm.num_layers == 1
    assert len(search.decisions.sizes) == 2 * 5 * 5


def test_first_weights_are_uniform() -> None:
    """Within the bounds, and filling them: mean and variance of a uniform distribution."""
    search = PPO(load_space("nasnet_space"), 0)
    weights = torch.cat([each.detach().flatten() for each in search.network.parameters()])
    assert weights.abs().max() <= 0.1
    assert abs(weights.mean()) < 1e-3
    assert float(weights.var()) == pytest.approx(0.2**2 / 12, rel=0.01)


def test_what_is_drawn_has_the_probability_it_is_said_to_have() -> None:
    """Step by step or all at once, the log-probabilities of a row are the same."""
    network = _network()
    taken, logs = network.draw(50, torch.Generator().manual_seed(1))
    again, _ = network(taken)
    assert torch.allclose(logs, again, atol=1e-5)
    assert all(row < size for each in taken.tolist() for row, size in zip(each, SIZES, strict=True))


def test_the_distribution_is_one() -> None:
    """Over all rows of legal options probabilities sum to 1, and entropies are theirs."""
    network = _network((2, 3, 2)).requires_grad_(False)
    rows = torch.cartesian_prod(*(torch.arange(size) for size in (2, 3, 2)))
    logs, entropies = network(rows)
    chances = logs.exp().double()
    assert float(chances.sum()) == pytest.approx(1, abs=1e-6)
    # The entropy of the joint is the expectation of the entropies on the way.
    joint = -(chances * logs.double()).sum()
    assert float((chances * entropies).sum()) == pytest.approx(float(joint), abs=1e-5)


def test_draws_follow_the_distribution() -> None:
    """Frequencies of 20,000 draws against the probabilities, within five deviations."""
    network = _network((2, 3)).requires_grad_(False)
    taken, _ = network.draw(20_000, torch.Generator().manual_seed(2))
    rows = torch.cartesian_prod(torch.arange(2), torch.arange(3))
    for row, chance in zip(rows, network(rows)[0].exp().tolist(), strict=True):
        seen = float((taken == row).all(1).double().mean())
        assert abs(seen - chance) < 5 * math.sqrt(chance * (1 - chance) / 20_000)


def test_the_first_step_is_that_of_the_policy_gradient() -> None:
    """Where nothing has moved yet, PPO's gradient is that of advantage times log-probability."""
    search = PPO(SPACE, 0, batch=6, passes=1, hidden=8, entropy=0.01)
    texts = search.propose(6)
    rewards = [0.1, 0.5, 0.3, 0.9, 0.2, 0.4]
    taken = torch.tensor([search.decisions.choices(text) for text in texts])
    logs, entropies = search.network(taken)
    advantage = torch.tensor(rewards) - sum(rewards) / 6
    loss = -(advantage * logs + 0.01 * entropies).mean()
    parameters = list(search.network.parameters())
    expected = torch.autograd.grad(loss, parameters)
    search.observe(_results(texts, list(rewards)))
    for parameter, gradient in zip(parameters, expected, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-6)


def test_the_baseline_is_a_moving_average() -> None:
    """It begins at the first batch's mean, and every reward has a weight of 1 - 0.95."""
    search = PPO(SPACE, 0, batch=2, hidden=8)
    search.observe(_results(search.propose(2), [0.2, 0.6]))
    first = 0.95 * (0.95 * 0.4 + 0.05 * 0.2) + 0.05 * 0.6
    assert search.baseline == pytest.approx(first)
    search.observe(_results(search.propose(2), [1.0, 1.0]))
    assert search.baseline == pytest.approx(0.95 * (0.95 * first + 0.05) + 0.05)


def test_a_failure_counts_as_the_worst_seen() -> None:
    """Before there is a worst, it is left out."""
    search = PPO(SPACE, 0, batch=4, hidden=8)
    texts = search.propose(4)
    search.observe(_results(texts, [None, -3.0, 5.0, None]))
    rewards = [reward for _, _, reward in search.state_dict()["observed"]]
    assert rewards == [-3.0, 5.0, -3.0]


def test_results_of_an_older_network_keep_their_probability() -> None:
    """What is in flight while the network changes is compared with what it was drawn by."""
    search = PPO(SPACE, 0, batch=4, hidden=8, lr=0.1)
    late, *early = search.propose(5)
    before = {text: p for text, _, p in search.state_dict()["flying"]}
    search.observe(_results(early, [0.0, 1.0, 0.0, 1.0]))
    search.observe(_results([late], [1.0]))
    ((taken, probability, _),) = search.state_dict()["observed"]
    assert probability == before[late]
    (now,) = search.network(torch.tensor([taken]))[0].tolist()
    assert abs(now - probability) > 1e-3


def test_it_learns() -> None:
    """On a reward that decisions earn one by one, it finds the best of 144 nearly always."""
    search = PPO(SPACE, 0, lr=0.02, hidden=16, passes=8)
    rewards: list[float] = []
    for _ in range(40):
        texts = search.propose(20)
        batch = [text.count("conv_3x3") + text.count("concat") / 2 for text in texts]
        search.observe(_results(texts, list(batch)))
        rewards += batch
    best = max(rewards)
    assert sum(rewards[:40]) / 40 < 0.7 * best
    assert sum(rewards[-40:]) / 40 > 0.95 * best


def test_threads_change_nothing() -> None:
    """The same proposals after an update whatever number of threads PyTorch has."""
    proposed = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            search = PPO(SPACE, 0, batch=4, lr=0.01)
            texts = search.propose(4)
            search.observe(_results(texts, [0.0, 1.0, 0.5, 0.2]))
            assert torch.get_num_threads() == threads
            proposed.append((search.propose(20), search.state_dict()["network"]))
    finally:
        torch.set_num_threads(before)
    assert proposed[0] == proposed[1]


def test_an_overflow_is_skipped() -> None:
    """Rewards beyond any scale leave the network finite, and proposals go on."""
    search = PPO(SPACE, 0, batch=4, hidden=8, lr=1.0)
    for _ in range(4):
        texts = search.propose(4)
        search.observe(_results(texts, [1e38, -1e38, 0.0, 1e300]))
    assert all(bool(each.isfinite().all()) for each in search.network.parameters())
    assert len(search.propose(8)) == 8
