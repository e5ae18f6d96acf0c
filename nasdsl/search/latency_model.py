"""Latencies on a device on which only a few networks were measured.

Two models, both a Gaussian process in closed form (Rasmussen and Williams 2006, section 2.2) whose
few numbers are chosen by likelihood. `device_latencies` knows the latencies of the same networks on
other devices: what those have in common is the mean, and how they differ is the covariance.
`CostModel` knows what networks cost by primitive.
"""

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from nasdsl.network.cost import node_count
from nasdsl.network.graph import NetworkGraph
from nasdsl.primitives import PRIMITIVES

Floats = NDArray[numpy.float64]

#: What is chosen among: shares of variance that are noise, and weights of the covariance.
_NOISES, _WEIGHTS = (0.003, 0.01, 0.03, 0.1), (0.5, 1.0, 2.0, 4.0)
#: Variances of the logarithm of a device's speed, and of how much the mean counts for it.
_OFFSET, _SLOPE = 10.0, 0.3


def device_latencies(others: Floats, measured: Sequence[int], values: Sequence[float]) -> Floats:
    """Milliseconds of every network on a new device, (networks,).

    Args:
        others: milliseconds, above zero, on other devices, (networks, devices).
        measured: the networks that were measured on the new device, as rows of `others`.
        values: the milliseconds that were measured, above zero, one for each of them.
    """
    known = _roots(others, numpy.median(others, 0))
    spread = known.std(0)
    known = (known - known.mean(0)) / numpy.where(spread > 0, spread, 1)
    mean = known.mean(1)
    differences = (known - mean[:, None]) / numpy.sqrt(others.shape[1])
    at = list(measured)
    latencies = numpy.asarray(values, dtype=numpy.float64)
    middle = float(numpy.median(latencies))
    residual = _roots(latencies, middle) - mean[at]
    covariance = differences[at] @ differences[at].T
    shared = _SLOPE * numpy.outer(mean[at], mean[at]) + _OFFSET
    weight, noise = _likeliest_pair(covariance, shared, residual)
    solved = numpy.linalg.solve(weight * covariance + shared + noise * numpy.eye(len(at)), residual)
    near = weight * differences @ differences[at].T
    near = near + _SLOPE * numpy.outer(mean, mean[at]) + _OFFSET
    return numpy.asarray(middle * (numpy.maximum(mean + near @ solved, 0.1) / 3) ** 3)


def _roots(latencies: Floats, middle: Floats | float) -> Floats:
    """Like logarithms near the middle, but of what takes almost no time, which is no outlier."""
    return numpy.asarray(3 * numpy.cbrt(latencies / middle))


def _likeliest_pair(covariance: Floats, shared: Floats, residual: Floats) -> tuple[float, float]:
    """The weight and the noise under which the residuals are likeliest."""

    def likelihood(weight: float, noise: float) -> float:
        whole = weight * covariance + shared + noise * numpy.eye(len(residual))
        _, size = numpy.linalg.slogdet(whole)
        return float(-residual @ numpy.linalg.solve(whole, residual) - size)

    pairs = [(weight, noise) for weight in _WEIGHTS for noise in _NOISES]
    return max(pairs, key=lambda pair: likelihood(*pair))


def cost_features(graph: NetworkGraph) -> Floats:
    """What a network costs by primitive: nodes, mult-adds and activations of each, (3 * kinds,)."""
    found = numpy.zeros((len(PRIMITIVES), 3))
    places = {name: at for at, name in enumerate(PRIMITIVES)}
    for module in graph.modules:
        if not module.for_auxiliary:
            for node in module.body.nodes:
                count = node_count(node)
                found[places[node.primitive]] += (1, count.mult_adds, count.activations)
    return found.ravel()


class CostModel:
    """Latency as a sum of what each primitive costs, for networks that no other device knows.

    Args:
        features: `cost_features` of the networks that were measured, (networks, features).
        values: their milliseconds.
    """

    def __init__(self, features: Floats, values: Sequence[float]) -> None:
        latencies = numpy.asarray(values, dtype=numpy.float64)
        sizes = features.mean(0)
        self.sizes = numpy.where(sizes > 0, sizes, numpy.inf)  # what was never seen adds nothing
        self.level = float(latencies.mean())
        scaled = features / self.sizes
        kinds = max(1, int((sizes > 0).sum()))
        #: Before anything is measured, every kind of cost has the same share of a latency.
        prior = scaled.sum(1) / kinds
        residual = latencies / self.level - prior
        covariance = scaled @ scaled.T / kinds
        flat = numpy.zeros_like(covariance)
        weight, noise = _likeliest_pair(covariance, flat, residual)
        whole = weight * covariance + noise * numpy.eye(len(residual))
        shares = weight / kinds * scaled.T @ numpy.linalg.solve(whole, residual)
        self.shares = numpy.where(sizes > 0, 1 / kinds + shares, 0.0)

    def latency(self, features: Floats) -> float:
        """Milliseconds of a network, or of what is a hundredth of the mean if that is more."""
        found = self.level * float((features / self.sizes) @ self.shares)
        return max(found, self.level / 100)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's: how alike two orders are, from -1 to 1; 0 where one of them has no order."""
    first, second = _ranks_of(one), _ranks_of(other)
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(numpy.corrcoef(first, second)[0, 1])


def _ranks_of(values: Floats) -> Floats:
    """Ranks, of which equal values share the mean."""
    _, inverse, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    return numpy.asarray((numpy.cumsum(counts) - (counts - 1) / 2)[inverse])
