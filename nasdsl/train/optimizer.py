"""Optimizers of the recipes.

Purpose: the optimizer a recipe asks for, with weight decay where it belongs.
Non-goals: the learning rate over time (`nasdsl.train.schedule`).
"""

import torch
from torch import nn
from torch.optim import Optimizer

from nasdsl.train.recipe import Recipe
from nasdsl.train.rmsprop import RMSProp


def optimizer_for(net: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimizer over a network's parameters.

    Weights of convolutions and of linear layers decay; scales, shifts and biases do not, as
    slim regularises them (its arg scopes name convolutions and fully connected layers only).
    """
    params = [param for param in net.parameters() if param.requires_grad]
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return torch.optim.SGD(groups, recipe.lr, recipe.momentum, nesterov=nesterov)
    if recipe.optimizer == "rmsprop":
        return RMSProp(
            groups, recipe.lr, rho=recipe.rho, momentum=recipe.momentum, epsilon=recipe.epsilon
        )
    return torch.optim.AdamW(groups, recipe.lr, (recipe.momentum, recipe.rho), recipe.epsilon)
