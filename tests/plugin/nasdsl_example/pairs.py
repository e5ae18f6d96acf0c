"""The one-shot algorithm `pairs`: two members, drawn uniformly, learn from every batch."""

from typing import Any

from nasdsl.oneshot.method import Batch, Method, OneShotOptions, Steps
from nasdsl.oneshot.single_path import SinglePath
from nasdsl.oneshot.weights_optimizer import weights_recipe


class Pairs(SinglePath):
    """Single path with two steps for each batch."""

    def step(self, train: Batch, valid: Batch | None = None) -> float:
        """Train one member, then another; the mean of their cross-entropies before that."""
        return (super().step(train) + super().step(train)) / 2


def make(net: Any, steps: Steps, options: OneShotOptions) -> Pairs:
    """The algorithm of a super-network."""
    taken = 2 * steps.epochs * steps.each
    return Pairs(net, taken, steps.seed, weights_recipe(options), samples=(2, 4))


METHOD = Method("pairs", "path", OneShotOptions, make, sharing="slots")
