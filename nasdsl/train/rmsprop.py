"""RMSProp as TensorFlow has it.

Purpose: the update that the published ImageNet trainings were made with.
Non-goals: `centered`, sparse gradients.

`torch.optim.RMSprop` adds epsilon outside the square root and starts its mean square at 0.
TensorFlow 1 adds it inside and starts at 1, and its learning rate is part of what momentum
carries. With epsilon 1.0 those are different optimizers.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class RMSProp(Optimizer):
    """mean = rho mean + (1-rho) g^2;  v = momentum v + lr g / sqrt(mean + epsilon);  w -= v.

    Args:
        params: parameters or groups of them, as PyTorch's optimizers take.
        lr: learning rate.
        rho: decay of the mean square.
        momentum: share of the last update that is repeated.
        epsilon: inside the root.
        weight_decay: L2; it joins the gradient.
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
        """Take a step; returns what `closure` does, where there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            _step(group, [p for p in group["params"] if p.grad is not None], self.state)
        return loss


def _step(group: dict[str, Any], params: list[Tensor], state: dict[Any, Any]) -> None:
    """One step of all parameters of a group together: on a GPU a few kernels, not thousands."""
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
