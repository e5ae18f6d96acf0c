"""Single path with uniform sampling: a member a step, each as likely as the others.

Purpose: Guo et al. 2020, section 3.2, for any space. The network can then compare members by the
weights that they inherit.
Non-goals: their choice blocks and the search that follows. The training has DARTS's values.
"""

from typing import Any

import torch.nn.functional as F

from nasdsl.oneshot.weights_optimizer import Batch, WeightsOptimizer, WeightsRecipe
from nasdsl.space import sample


class SinglePath:
    """Trains a super-network of the relaxation `path`.

    Args:
        net: as `nasdsl.supernet` makes it.
        steps: how many steps there will be.
        seed: the member of step k depends on it and on k alone.
        recipe: how weights are trained.
    """

    def __init__(
        self, net: Any, steps: int, seed: int = 0, recipe: WeightsRecipe | None = None
    ) -> None:
        self.net, self.seed = net, seed
        self.optimizer = WeightsOptimizer(list(net.parameters()), steps, recipe)

    def step(self, batch: Batch) -> float:
        """Choose a member and train it for a step; its cross-entropy on the batch before that.

        Args:
            batch: images (B, C, H, W) and labels (B).
        """
        images, labels = batch
        # Equal seeds would give equal members in neighbouring runs; a pair of numbers does not.
        seed = self.seed * self.optimizer.steps + self.optimizer.taken
        (genotype,) = sample(self.net.graph.space, 1, seed)
        self.net.train()
        self.net.choose(genotype)
        loss = F.cross_entropy(self.net(images), labels)
        self.optimizer.step(loss)
        return float(loss.detach())
