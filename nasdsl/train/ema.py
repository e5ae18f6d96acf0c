"""`WeightAverage`: an exponential moving average of a network's weights and moving statistics.

As in slim, the moving statistics of batch norm are averaged like the weights, although they are
averages already: slim's `train_image_classifier.py` averages `slim.get_model_variables()`.
PyTorch's `AveragedModel` holds the averages; added here are TensorFlow's decay and the form in
which checkpoints hold them.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

#: Buffers that count something; they are the network's own, not averages.
_COUNTERS = ("num_batches_tracked", "progress")


class WeightAverage:
    """Averages of a network's weights and moving statistics, starting at their present values.

    Args:
        net: the network.
        decay: of the average, 0 to 1. Early steps have a lower one, (1 + t) / (10 + t), as with
            TensorFlow's `num_updates`; otherwise the initial weights would count for
            1 / (1 - decay) steps.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self._averaged = AveragedModel(net, multi_avg_fn=self._average, use_buffers=True)
        # The present values are the first of the average; PyTorch would replace them.
        self._averaged.n_averaged += 1

    @property
    def net(self) -> nn.Module:
        """A copy of the network, with the averages for its weights and moving statistics."""
        averaged: nn.Module = self._averaged.module
        return averaged

    @property
    def values(self) -> dict[str, Tensor]:
        """The averages by name."""
        tensors = self.net.state_dict()
        return {name: tensors[name] for name in tensors if not name.endswith(_COUNTERS)}

    def update(self, net: nn.Module) -> None:
        """Include the network's present values in the average."""
        self._averaged.update_parameters(net)
        self.updates += 1

    def copy_to(self, net: nn.Module) -> None:
        """Give the network the averages as its weights and moving statistics."""
        net.load_state_dict(self.values, strict=False)

    def state_dict(self) -> dict[str, Any]:
        """Everything that `load_state_dict` needs except the decay, which is the recipe's."""
        return {"updates": self.updates, "values": self.values}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state of the same network.

        States of version 0.1.0 hold weights only; the statistics stay as they are then.
        """
        self.updates = state["updates"]
        self.net.load_state_dict(state["values"], strict=False)

    @torch.no_grad()
    def _average(self, averages: Any, values: Any, count: Tensor | int) -> None:
        """`multi_avg_fn` of `AveragedModel`: tensors of one device and type, in place."""
        if not averages[0].is_floating_point():
            torch._foreach_copy_(averages, values)
            return
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(averages, values, 1 - decay)
