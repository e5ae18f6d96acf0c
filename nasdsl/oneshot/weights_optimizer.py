"""How the weights of a super-network are trained while an algorithm searches.

Purpose: `WeightsRecipe`, DARTS's values, which other algorithms change, and its optimizer.
Non-goals: the architecture's own parameters (each algorithm's file).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.oneshot.method import OneShotOptions


@dataclass(frozen=True, slots=True)
class WeightsRecipe:
    """Values of quark0/darts `cnn/train_search.py`.

    Attributes:
        lr: the learning rate at first.
        lr_min: at the end of the cosine.
        momentum: of SGD.
        weight_decay: of the weights.
        clip: the largest norm of a gradient.
        nesterov: whether SGD looks ahead.
        clip_each: whether `clip` bounds the norm of each tensor's gradient, not that of all.
        period: steps of the first cosine, each twice as long as the one before; 0 for one
            cosine over all steps.
    """

    lr: float = 0.025
    lr_min: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip: float = 5.0
    nesterov: bool = False
    clip_each: bool = False
    period: int = 0


def weights_recipe(options: OneShotOptions, **more: Any) -> WeightsRecipe:
    """The recipe that options of a method describe."""
    names = ("lr", "lr_min", "momentum", "weight_decay", "clip")
    return WeightsRecipe(**{name: getattr(options, name) for name in names}, **more)


class WeightsOptimizer:
    """SGD on a cosine, one call a step.

    Args:
        weights: the parameters.
        steps: how many there will be; the learning rate changes with each.
        recipe: the values.
    """

    def __init__(
        self, weights: Sequence[nn.Parameter], steps: int, recipe: WeightsRecipe | None = None
    ) -> None:
        self.weights, self.steps, self.recipe = list(weights), steps, recipe or WeightsRecipe()
        self.taken = 0
        self._with_gradients = self.weights
        chosen = self.recipe
        self.sgd = torch.optim.SGD(
            self.weights,
            chosen.lr,
            chosen.momentum,
            weight_decay=chosen.weight_decay,
            nesterov=chosen.nesterov,
        )

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        chosen, at, length = self.recipe, self.taken, self.steps
        if chosen.period:
            length = chosen.period
            while at >= length:
                at, length = at - length, 2 * length
        done = min(at / length, 1.0)
        return chosen.lr_min + (chosen.lr - chosen.lr_min) * (1 + math.cos(math.pi * done)) / 2

    def step(self, loss: Tensor, used: Sequence[nn.Parameter] | None = None) -> None:
        """Follow the gradient of a loss; weights that it does not depend on stay as they are.

        Args:
            loss: a scalar.
            used: all weights that it depends on, where these are few of many; None for all. No
                other is looked at.
        """
        weights = self.weights if used is None else list(used)
        for weight in self._with_gradients:
            weight.grad = None
        self._with_gradients = weights
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip_each:
            for weight in weights:
                if weight.grad is not None:
                    nn.utils.clip_grad_norm_([weight], self.recipe.clip)
        elif self.recipe.clip:
            nn.utils.clip_grad_norm_(weights, self.recipe.clip)
        (group,) = self.sgd.param_groups
        group["lr"], group["params"] = self.lr, weights
        try:
            self.sgd.step()
        finally:
            group["params"] = self.weights
        self.taken += 1

    def state_dict(self) -> dict[str, Any]:
        """Momenta, and the steps taken."""
        return {"sgd": self.sgd.state_dict(), "taken": self.taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.sgd.load_state_dict(state["sgd"])
        self.taken = int(state["taken"])
