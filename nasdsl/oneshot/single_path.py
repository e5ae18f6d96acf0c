"""Single path with uniform sampling: a member a step, each as likely as the others.

Purpose: Guo et al. 2020, section 3.2, for any space. The network can then compare members by the
weights that they inherit.
Non-goals: their choice blocks and the search that follows, which any searcher makes with the
evaluator `supernet:RUN`. The training has DARTS's values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch.nn.functional as F

from nasdsl.language.genotype.types import Genotype
from nasdsl.oneshot.method import Batch, Method, OneShotOptions, Steps, Times
from nasdsl.oneshot.mixing import Strengths
from nasdsl.oneshot.weights_optimizer import (
    WeightsOptimizer,
    WeightsRecipe,
    weights_recipe,
)
from nasdsl.space import sample
from nasdsl.values import Values


@dataclass(frozen=True, slots=True)
class SinglePathOptions(OneShotOptions):
    """DARTS's values; all but a tenth of the images train weights, as no architecture learns.

    Attributes:
        shown: members that are drawn and measured after each epoch.
        samples: members that are drawn and measured in the end; the best is the result.
    """

    held_out: Annotated[float, Values(float, minimum=1e-6, maximum=1, below_maximum=True)] = 0.1
    shown: Times = 5
    samples: Times = 100


class SinglePath:
    """Trains a super-network of the relaxation `path`.

    Args:
        net: as `nasdsl.supernet` makes it.
        steps: how many steps there will be.
        seed: the member of step k depends on it and on k alone.
        recipe: how weights are trained.
        samples: members that are measured after an epoch, and after the last.
    """

    def __init__(
        self,
        net: Any,
        steps: int,
        seed: int = 0,
        recipe: WeightsRecipe | None = None,
        samples: tuple[int, int] = (5, 100),
    ) -> None:
        self.net, self.seed, self.samples = net, seed, samples
        self.optimizer = WeightsOptimizer(list(net.parameters()), steps, recipe)

    def step(self, train: Batch, valid: Batch | None = None) -> float:
        """Choose a member and train it for a step; its cross-entropy on the batch before that.

        Args:
            train: images (B, C, H, W) and labels (B).
            valid: is not looked at.
        """
        images, labels = train
        # Equal seeds would give equal members in neighbouring runs; a pair of numbers does not.
        seed = self.seed * self.optimizer.steps + self.optimizer.taken
        (genotype,) = sample(self.net.graph.space, 1, seed)
        self.net.train()
        self.net.choose(genotype)
        loss = F.cross_entropy(_main(self.net(images)), labels)
        self.optimizer.step(loss, self.net.chosen_parameters())
        return float(loss.detach())

    # -- see `nasdsl.oneshot.method.Algorithm` --------------------------------------------

    def begin_epoch(self, epoch: int) -> None:
        """Nothing changes with the epoch."""

    def end_epoch(self, valid: Iterable[Batch]) -> None:
        """No architecture is learned."""

    def candidates(self, last: bool) -> list[Genotype]:
        """Members drawn uniformly."""
        seed = self.seed * self.optimizer.steps + self.optimizer.taken
        return list(sample(self.net.graph.space, self.samples[last], seed))

    def strengths(self) -> Mapping[str, Strengths]:
        """None is learned."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Of the optimizer."""
        return {"weights": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.optimizer.load_state_dict(state["weights"])


def _main(outputs: Any) -> Any:
    """The logits of the main classifier."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _make(net: Any, steps: Steps, options: SinglePathOptions) -> SinglePath:
    samples = options.shown, options.samples
    return SinglePath(net, steps.epochs * steps.each, steps.seed, weights_recipe(options), samples)


METHOD = Method(
    "single_path", "path", SinglePathOptions, _make, sharing="slots", steps_validate=False
)
