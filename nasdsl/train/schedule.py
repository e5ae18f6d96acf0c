"""The learning rate of a step.

Purpose: the schedules of the recipes as functions of the step alone, so a resumed run needs no
schedule's state.
Non-goals: PyTorch's schedulers, whose state is one more thing to restore.
"""

import math

from nasdsl.train.recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The rate of step `step`, from 0, of a training of `recipe.epochs` epochs.

    A warm-up rises linearly and reaches `recipe.lr` with its last step; the schedule has the
    rest. `cosine` is Loshchilov and Hutter 2017, equation 5, with one period and the least rate
    0. `exponential` falls in stairs, as slim's and TensorFlow's `staircase`.
    """
    warmup = round(recipe.warmup * steps_per_epoch)
    if step < warmup:
        return recipe.lr * (step + 1) / warmup
    if recipe.schedule == "cosine":
        rest = max(recipe.epochs * steps_per_epoch - warmup, 1)
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / rest))
    if recipe.schedule == "exponential":
        # In whole steps, as slim counts: rounding would otherwise move a stair by one.
        stair = max(int(steps_per_epoch * recipe.lr_decay_epochs), 1)
        return recipe.lr * recipe.lr_decay ** ((step - warmup) // stair)
    return recipe.lr
