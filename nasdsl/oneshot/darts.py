"""DARTS: weights and architecture by gradients, in turn (Liu et al. 2019).

Purpose: a step of quark0/darts `cnn/train_search.py` and `cnn/architect.py`, first and second
order. The weights learn from one half of the training images and the architecture from the other.
Non-goals: which images those are; the loop around the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nasdsl.language.genotype.types import Genotype
from nasdsl.oneshot.weights_optimizer import Batch, WeightsOptimizer, WeightsRecipe


@dataclass(frozen=True, slots=True)
class ArchitectRecipe:
    """How the alphas are trained: values of `cnn/train_search.py` and `cnn/architect.py`.

    Attributes:
        lr: of Adam.
        betas: of Adam.
        weight_decay: of the alphas, added to their gradient.
        radius: of the finite difference, divided by the norm of its direction.
    """

    lr: float = 3e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 1e-3
    radius: float = 1e-2


class Darts:
    """Searches with a super-network of the relaxation `softmax`.

    Args:
        net: as `nasdsl.supernet` makes it; as in DARTS with `affine=False`.
        steps: how many steps there will be.
        second_order: whether the alphas see the weights a step ahead.
        recipe: how weights are trained.
        architect: how alphas are trained.
    """

    def __init__(
        self,
        net: Any,
        steps: int,
        *,
        second_order: bool = False,
        recipe: WeightsRecipe | None = None,
        architect: ArchitectRecipe | None = None,
    ) -> None:
        self.net, self.second_order = net, second_order
        self.architect = architect or ArchitectRecipe()
        self.optimizer = WeightsOptimizer(net.weights(), steps, recipe)
        self.alphas = list(net.alphas.values())
        self.adam = torch.optim.Adam(
            self.alphas,
            self.architect.lr,
            betas=self.architect.betas,
            weight_decay=self.architect.weight_decay,
        )

    def step(self, train: Batch, valid: Batch) -> float:
        """A step of the alphas, then one of the weights; the cross-entropy before the latter.

        Args:
            train: images (B, C, H, W) and labels (B) that the weights learn from.
            valid: those that the alphas learn from.
        """
        self.net.train()
        self.net.mix()
        gradients = self.alpha_gradients(train, valid)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.adam.step()
        loss = self._loss(train)
        self.optimizer.step(loss)
        return float(loss.detach())

    def genotype(self) -> Genotype:
        """The member that the alphas lead to now."""
        found: Genotype = self.net.derived()
        return found

    def alpha_gradients(self, train: Batch, valid: Batch) -> list[Tensor]:
        """The gradients of the alphas; the weights are what they were afterwards.

        First order: of the loss on `valid`. Second order: of that loss where the weights have
        taken a step on `train`. The product with the second derivative is a finite difference
        (Liu et al. 2019, equation 8).
        """
        if not self.second_order:
            return list(torch.autograd.grad(self._loss(valid), self.alphas))
        weights, lr = self.optimizer.weights, self.optimizer.lr
        before = [weight.detach().clone() for weight in weights]
        self._move(self._direction(train), -lr)
        found = _gradients(self._loss(valid), [*self.alphas, *weights])
        gradients, direction = found[: len(self.alphas)], found[len(self.alphas) :]
        self._put(before)
        norm = torch.sqrt(sum((each.square().sum() for each in direction), torch.zeros(())))
        radius = self.architect.radius / float(norm)
        self._move(direction, radius)
        above = _gradients(self._loss(train), self.alphas)
        self._put(before)
        self._move(direction, -radius)
        below = _gradients(self._loss(train), self.alphas)
        self._put(before)
        return [
            gradient - lr * (more - less) / (2 * radius)
            for gradient, more, less in zip(gradients, above, below, strict=True)
        ]

    def _loss(self, batch: Batch) -> Tensor:
        images, labels = batch
        return F.cross_entropy(self.net(images), labels)

    def _direction(self, train: Batch) -> list[Tensor]:
        """What a step of SGD would follow: gradient, weight decay and momentum, not clipped."""
        recipe, state = self.optimizer.recipe, self.optimizer.sgd.state
        made = []
        weights = self.optimizer.weights
        for weight, gradient in zip(weights, _gradients(self._loss(train), weights), strict=True):
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


def _gradients(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Zeros for what the loss does not depend on."""
    return list(torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True))
