"""Zero-cost scores against their definitions, computed another way."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import nasdsl  # noqa: E402
from nasdsl.search.evaluators import evaluator  # noqa: E402
from nasdsl.search.proxies.naswot import naswot  # noqa: E402
from nasdsl.search.proxies.synflow import synflow  # noqa: E402


def test_naswot_counts_agreements() -> None:
    """Against the definition: codes from a forward hook, agreements counted one by one."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 8), nn.ReLU()
    )
    images = torch.randn(5, 1, 6, 6)
    codes = []
    for layer in (network[1], network[4]):
        layer.register_forward_hook(lambda _, __, made: codes.append((made > 0).flatten(1)))
    found = naswot(network, images)
    rows = torch.cat(codes, 1).tolist()
    agreements = [[sum(a == b for a, b in zip(x, y, strict=True)) for x in rows] for y in rows]
    expected = torch.tensor(agreements, dtype=torch.float64).det().abs().log()
    assert found == pytest.approx(float(expected), rel=1e-9)


def test_naswot_of_equal_images_is_the_least() -> None:
    """Nothing is told apart, so the determinant is zero."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.ReLU())
    assert naswot(network, torch.ones(3, 1, 2, 2)) == -float("inf")


def test_synflow_of_a_chain_is_known() -> None:
    """Each layer of a chain of linear layers carries the whole flow, so the sum is L times it."""
    torch.manual_seed(0)
    network = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(3)))
    product = torch.eye(4, dtype=torch.float64)
    for layer in network:
        product = layer.weight.detach().double().abs() @ product
    expected = (3 * product.sum()).log()
    assert synflow(network, torch.ones(1, 4)) == pytest.approx(float(expected), rel=1e-9)


def test_synflow_tells_genotypes_apart_and_seeds_hardly() -> None:
    """The same text and seed have the same score; a network without convolutions less."""
    scores = evaluator("proxy:synflow?N=1&cell_filters=4&image_size=8&stem=cifar&classes=10")

    def score(op: str, seed: int) -> float:
        block = f"{{ b0 = (h[i], h[i-1], {op}, {op}, add) }}"
        text = f"genotype g\nops nasnet\ncell normal {block}\ncell reduction {block}\n"
        return scores.evaluate(text, seed, lambda value: None).reward

    assert score("conv_3x3", 0) == score("conv_3x3", 0)
    assert score("conv_3x3", 0) > score("conv_1x1", 0) > score("avg_pool_3x3", 0)


def test_scores_come_with_costs() -> None:
    """The same as the cost model's, for the same network."""
    scores = evaluator("proxy:synflow?N=1&cell_filters=4&image_size=8&stem=cifar&classes=10")
    genotype = next(nasdsl.sample(nasdsl.load_space("nasnet_space"), 1, 0))
    score = scores.evaluate(nasdsl.genotype_text(genotype), 0, lambda value: None)
    cost = nasdsl.cost(scores.child.network(genotype))  # type: ignore[attr-defined]
    assert (score.params, score.mult_adds) == (cost.params, cost.mult_adds)
