"""What DARTS, PC-DARTS and GDAS have in common: an architecture of alphas that Adam trains."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nasdsl.language.genotype.types import Genotype
from nasdsl.oneshot.method import Batch
from nasdsl.oneshot.mixing import Strengths
from nasdsl.oneshot.weights_optimizer import WeightsOptimizer


@dataclass(frozen=True, slots=True)
class ArchitectRecipe:
    """How the alphas are trained: values of quark0/darts `train_search.py` and `architect.py`.

    Attributes:
        lr: of Adam.
        betas: of Adam.
        weight_decay: of the alphas, added to their gradient.
        radius: of DARTS's finite difference, divided by the norm of its direction.
    """

    lr: float = 3e-4
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 1e-3
    radius: float = 1e-2


class GradientSearch:
    """The state of a search by gradients, and what is read of it.

    Args:
        net: a super-network that mixes, as `nasdsl.supernet` makes it.
        optimizer: of the weights.
        architect: how alphas are trained.
    """

    def __init__(self, net: Any, optimizer: WeightsOptimizer, architect: ArchitectRecipe) -> None:
        self.net, self.optimizer, self.architect = net, optimizer, architect
        self.alphas = list(net.architecture())
        self.adam = torch.optim.Adam(
            self.alphas, architect.lr, betas=architect.betas, weight_decay=architect.weight_decay
        )

    def genotype(self) -> Genotype:
        """The member that the alphas lead to now."""
        found: Genotype = self.net.derived()
        return found

    def loss(self, batch: Batch) -> Tensor:
        """The cross-entropy of the mixture."""
        images, labels = batch
        return F.cross_entropy(self.net(images), labels)

    def move_alphas(self, gradients: Sequence[Tensor]) -> None:
        """A step of Adam."""
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.adam.step()

    # -- see `nasdsl.oneshot.method.Algorithm` --------------------------------------------

    def begin_epoch(self, epoch: int) -> None:
        """Nothing changes with the epoch."""

    def end_epoch(self, valid: Iterable[Batch]) -> None:
        """Alphas have taken their steps already."""

    def candidates(self, last: bool) -> list[Genotype]:
        """The derived member."""
        return [self.genotype()]

    def strengths(self) -> Mapping[str, Strengths]:
        """The weights of options, where there are several."""
        found = self.net.probabilities()
        return {name: found[name].tolist() for name in self.net.alphas}

    def state_dict(self) -> dict[str, Any]:
        """Of both optimizers; the alphas are parameters of the network."""
        return {"weights": self.optimizer.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.optimizer.load_state_dict(state["weights"])
        self.adam.load_state_dict(state["adam"])


def gradients_of(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Zeros for what the loss does not depend on."""
    return list(torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True))
