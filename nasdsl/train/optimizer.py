"""Optimizers of the recipes, and the learning rate of each step.

RMSProp is here because `torch.optim.RMSprop` adds epsilon outside the square root and starts
its mean square at 0. TensorFlow 1, with which the published ImageNet trainings were made, adds
it inside and starts at 1, and its learning rate is part of what momentum carries. With epsilon
1.0 those are different optimizers.

The learning rate is a function of the step alone, so a resumed run has no scheduler state to
restore; that is why PyTorch's schedulers are not used.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nasdsl.train.recipe import Recipe


def optimizer_for(net: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimizer for a network's parameters.

    Weights of convolutions and of linear layers decay; scales, shifts and biases do not, as
    slim regularises them (its arg scopes name convolutions and fully connected layers only).
    """
    params = [param for param in net.parameters() if param.requires_grad]
    rate = 0.0 if decays_before_clip(recipe) else recipe.weight_decay
    groups = [
        {"params": [p for p in params if decays(p)], "weight_decay": rate},
        {"params": [p for p in params if not decays(p)], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return torch.optim.SGD(groups, recipe.lr, recipe.momentum, nesterov=nesterov)
    if recipe.optimizer == "rmsprop":
        return RMSProp(
            groups, recipe.lr, rho=recipe.rho, momentum=recipe.momentum, epsilon=recipe.epsilon
        )
    return torch.optim.AdamW(groups, recipe.lr, (recipe.momentum, recipe.rho), recipe.epsilon)


def decays(param: Tensor) -> bool:
    """Whether a parameter is a matrix or kernel, and no scale, shift or bias."""
    return param.ndim > 1


def decays_before_clip(recipe: Recipe) -> bool:
    """Whether weight decay is in the gradients that are clipped, not added by the optimizer.

    It is in slim, where L2 is one of the losses whose gradients the norm is of. The decay of
    `adamw` is no part of the loss.
    """
    return recipe.clip_decay and recipe.clip > 0 and recipe.optimizer != "adamw"


@torch.no_grad()
def add_decay(params: Iterable[Tensor], rate: float) -> None:
    """Add to the gradients that of L2: the weights, times the rate."""
    found = [(param.grad, param) for param in params if param.grad is not None and decays(param)]
    gradients, weights = [grad for grad, _ in found], [param for _, param in found]
    if gradients and rate:
        torch._foreach_add_(gradients, weights, alpha=rate)


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of step `step`, counted from 0.

    The warm-up rises linearly and reaches `recipe.lr` with its last step; the schedule follows.
    `cosine` is Loshchilov and Hutter 2017, equation 5, with one period and a minimum of 0.
    `exponential` falls in stairs, as slim's and TensorFlow's `staircase`.
    """
    warmup = round(recipe.warmup * steps_per_epoch)
    if step < warmup:
        return recipe.lr * (step + 1) / warmup
    if recipe.schedule == "cosine":
        rest = max(recipe.epochs * steps_per_epoch - warmup, 1)
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / rest))
    if recipe.schedule == "exponential":
        # In whole steps, as slim counts them: otherwise rounding would move a stair by one.
        stair = max(int(steps_per_epoch * recipe.lr_decay_epochs), 1)
        return recipe.lr * recipe.lr_decay ** ((step - warmup) // stair)
    return recipe.lr


class RMSProp(Optimizer):
    """mean = rho mean + (1-rho) g^2;  v = momentum v + lr g / sqrt(mean + epsilon);  w -= v.

    Args:
        params: parameters or groups of them, as PyTorch's optimizers take.
        lr: learning rate.
        rho: decay of the mean square.
        momentum: share of the last update that is repeated.
        epsilon: inside the root.
        weight_decay: L2; added to the gradient.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        *,
        rho: float = 0.9,
        momentum: float = 0.9,
        epsilon: float = 1.0,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "momentum": momentum,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take a step; returns the value of `closure`, if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            _step(group, [p for p in group["params"] if p.grad is not None], self.state)
        return loss


def _step(group: dict[str, Any], params: list[Tensor], state: dict[Any, Any]) -> None:
    """One step of all parameters of a group together: a few kernels on a GPU, not thousands."""
    if not params:
        return
    for param in params:
        if not state[param]:
            state[param] = {"mean": torch.ones_like(param), "update": torch.zeros_like(param)}
    means = [state[param]["mean"] for param in params]
    updates = [state[param]["update"] for param in params]
    gradients = [param.grad for param in params if param.grad is not None]
    if group["weight_decay"]:
        gradients = list(torch._foreach_add(gradients, params, alpha=group["weight_decay"]))
    torch._foreach_mul_(means, group["rho"])
    torch._foreach_addcmul_(means, gradients, gradients, value=1 - group["rho"])
    roots = torch._foreach_add(means, group["epsilon"])
    torch._foreach_sqrt_(roots)
    torch._foreach_mul_(updates, group["momentum"])
    torch._foreach_addcdiv_(updates, gradients, roots, value=group["lr"])
    torch._foreach_sub_(params, updates)
