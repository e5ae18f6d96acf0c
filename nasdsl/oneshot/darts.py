"""DARTS: weights and architecture by gradients, in turn (Liu et al. 2019).

Purpose: a step of quark0/darts `cnn/train_search.py` and `cnn/architect.py`, first and second
order. The weights learn from one half of the training images and the architecture from the other.
Non-goals: which images those are; the loop around the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nasdsl.oneshot.gradient import ArchitectRecipe, GradientSearch, gradients_of
from nasdsl.oneshot.method import Batch, Method, OneShotOptions, Steps, Whole
from nasdsl.oneshot.weights_optimizer import (
    WeightsOptimizer,
    WeightsRecipe,
    weights_recipe,
)
from nasdsl.train.recipe import Amount

__all__ = ["METHOD", "ArchitectRecipe", "Darts", "DartsOptions"]


@dataclass(frozen=True, slots=True)
class DartsOptions(OneShotOptions):
    """Values of `cnn/train_search.py`, which are those of `OneShotOptions`, and of its alphas.

    Attributes:
        second_order: whether the alphas see the weights a step ahead (`--unrolled`).
        alpha_lr: of the alphas' Adam (`--arch_learning_rate`).
        alpha_weight_decay: of the alphas (`--arch_weight_decay`).
        alpha_after: epochs in which the weights alone are trained.
    """

    second_order: bool = False
    alpha_lr: Amount = 3e-4
    alpha_weight_decay: Amount = 1e-3
    alpha_after: Whole = 0


class Darts(GradientSearch):
    """Searches with a super-network of the relaxation `softmax`.

    Args:
        net: as `nasdsl.supernet` makes it; as in DARTS with `affine=False`.
        steps: how many steps there will be.
        second_order: whether the alphas see the weights a step ahead.
        recipe: how weights are trained.
        architect: how alphas are trained.
        alpha_after: epochs before which alphas are left alone (`begin_epoch`).
    """

    def __init__(
        self,
        net: Any,
        steps: int,
        *,
        second_order: bool = False,
        recipe: WeightsRecipe | None = None,
        architect: ArchitectRecipe | None = None,
        alpha_after: int = 0,
    ) -> None:
        optimizer = WeightsOptimizer(net.weights(), steps, recipe)
        super().__init__(net, optimizer, architect or ArchitectRecipe())
        self.second_order, self.alpha_after, self.alphas_move = second_order, alpha_after, True

    def begin_epoch(self, epoch: int) -> None:
        """Whether the alphas move in this epoch."""
        self.alphas_move = epoch >= self.alpha_after

    def step(self, train: Batch, valid: Batch) -> float:
        """A step of the alphas, then one of the weights; the cross-entropy before the latter.

        Args:
            train: images (B, C, H, W) and labels (B) that the weights learn from.
            valid: those that the alphas learn from.
        """
        self.net.train()
        self.net.mix()
        if self.alphas_move:
            self.move_alphas(self.alpha_gradients(train, valid))
        loss = self.loss(train)
        self.optimizer.step(loss)
        return float(loss.detach())

    def alpha_gradients(self, train: Batch, valid: Batch) -> list[Tensor]:
        """The gradients of the alphas; the weights are what they were afterwards.

        First order: of the loss on `valid`. Second order: of that loss where the weights have
        taken a step on `train`. The product with the second derivative is a finite difference
        (Liu et al. 2019, equation 8).
        """
        if not self.second_order:
            return gradients_of(self.loss(valid), self.alphas)
        weights, lr = self.optimizer.weights, self.optimizer.lr
        before = [weight.detach().clone() for weight in weights]
        self._move(self._direction(train), -lr)
        found = gradients_of(self.loss(valid), [*self.alphas, *weights])
        gradients, direction = found[: len(self.alphas)], found[len(self.alphas) :]
        self._put(before)
        norm = torch.sqrt(sum((each.square().sum() for each in direction), torch.zeros(())))
        radius = self.architect.radius / float(norm)
        self._move(direction, radius)
        above = gradients_of(self.loss(train), self.alphas)
        self._put(before)
        self._move(direction, -radius)
        below = gradients_of(self.loss(train), self.alphas)
        self._put(before)
        return [
            gradient - lr * (more - less) / (2 * radius)
            for gradient, more, less in zip(gradients, above, below, strict=True)
        ]

    def _direction(self, train: Batch) -> list[Tensor]:
        """What a step of SGD would follow: gradient, weight decay and momentum, not clipped."""
        recipe, state = self.optimizer.recipe, self.optimizer.sgd.state
        made = []
        weights = self.optimizer.weights
        for weight, gradient in zip(weights, gradients_of(self.loss(train), weights), strict=True):
            moving = state[weight].get("momentum_buffer")
            step = gradient + recipe.weight_decay * weight.detach()
            made.append(step if moving is None else step + recipe.momentum * moving)
        return made

    def _move(self, direction: Sequence[Tensor], length: float) -> None:
        with torch.no_grad():
            for weight, step in zip(self.optimizer.weights, direction, strict=True):
                weight.add_(step, alpha=length)

    def _put(self, values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(self.optimizer.weights, values, strict=True):
                weight.copy_(value)


def make(net: Any, steps: Steps, options: DartsOptions) -> Darts:
    """The algorithm with these options; PC-DARTS is made so too."""
    return Darts(
        net,
        steps.epochs * steps.each,
        second_order=options.second_order,
        recipe=weights_recipe(options),
        architect=ArchitectRecipe(options.alpha_lr, weight_decay=options.alpha_weight_decay),
        alpha_after=options.alpha_after,
    )


METHOD = Method("darts", "softmax", DartsOptions, make, sharing="edges", affine=False)
