"""GDAS: one sampled member a step, with the gradient of a softmax (Dong and Yang 2019).

Purpose: a step of D-X-Y/AutoDL-Projects `exps/NAS-Bench-201-algos/GDAS.py`: first the weights, then
the architecture, each on a member drawn anew; the temperature falls linearly with the epochs.
"""

from dataclasses import dataclass
from typing import Any

from nasdsl.oneshot.gradient import ArchitectRecipe, GradientSearch, gradients_of
from nasdsl.oneshot.method import Batch, Method, OneShotOptions, Steps, Times
from nasdsl.oneshot.weights_optimizer import (
    WeightsOptimizer,
    WeightsRecipe,
    weights_recipe,
)
from nasdsl.train.recipe import Amount


@dataclass(frozen=True, slots=True)
class GdasOptions(OneShotOptions):
    """Values of `configs/nas-benchmark/algos/GDAS.config` and `exps/.../GDAS.py`.

    Attributes:
        alpha_lr: of the alphas' Adam (`--arch_learning_rate`).
        alpha_weight_decay: of the alphas (`--arch_weight_decay`).
        temperature: of the softmax in the first epoch (`--tau_max`).
        temperature_min: in the last (`--tau_min`).
    """

    epochs: Times = 240
    weight_decay: Amount = 5e-4
    alpha_lr: Amount = 3e-4
    alpha_weight_decay: Amount = 1e-3
    temperature: Amount = 10.0
    temperature_min: Amount = 0.1


class Gdas(GradientSearch):
    """Searches with a super-network of the relaxation `gumbel`.

    Args:
        net: as `nasdsl.supernet` makes it.
        steps: how many there will be.
        recipe: how weights are trained.
        architect: how alphas are trained.
        temperatures: of the first epoch and of the last.
    """

    def __init__(
        self,
        net: Any,
        steps: Steps,
        recipe: WeightsRecipe | None = None,
        architect: ArchitectRecipe | None = None,
        temperatures: tuple[float, float] = (10.0, 0.1),
    ) -> None:
        recipe = recipe or WeightsRecipe(weight_decay=5e-4, nesterov=True)
        optimizer = WeightsOptimizer(net.weights(), steps.epochs * steps.each, recipe)
        super().__init__(net, optimizer, architect or ArchitectRecipe())
        self.epochs, self.temperatures = steps.epochs, temperatures
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Set the temperature."""
        high, low = self.temperatures
        self.net.temperature = high - (high - low) * epoch / max(self.epochs - 1, 1)

    def step(self, train: Batch, valid: Batch) -> float:
        """A step of the weights, then one of the alphas; the cross-entropy before the former."""
        self.net.train()
        self.net.mix()
        loss = self.loss(train)
        self.optimizer.step(loss)
        self.move_alphas(gradients_of(self.loss(valid), self.alphas))
        return float(loss.detach())


def _make(net: Any, steps: Steps, options: GdasOptions) -> Gdas:
    architect = ArchitectRecipe(options.alpha_lr, weight_decay=options.alpha_weight_decay)
    temperatures = options.temperature, options.temperature_min
    recipe = weights_recipe(options, nesterov=True)
    return Gdas(net, steps, recipe, architect, temperatures)


METHOD = Method("gdas", "gumbel", GdasOptions, _make, sharing="edges", affine=False)
