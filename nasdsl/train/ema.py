"""`Average`: an exponential moving average of a network's weights.

Purpose: what TensorFlow's `ExponentialMovingAverage` keeps of the trainable variables.
Non-goals: moving statistics of batch norm, which are averages already: those of the network
are used with the averaged weights, as slim does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Averages of a network's parameters, beginning at their present values.

    Args:
        net: whose parameters.
        decay: of the average, 0 to 1. Early steps have less of it, (1 + t) / (10 + t), as
            TensorFlow's `num_updates` does, else the initial weights would count for
            1 / (1 - decay) steps.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.values = {name: p.detach().clone() for name, p in net.named_parameters()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take the parameters of a step into the average."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        params = dict(net.named_parameters())
        now = [params[name].detach() for name in self.values]
        torch._foreach_lerp_(list(self.values.values()), now, 1 - decay)

    @torch.no_grad()
    def copy_to(self, net: nn.Module) -> None:
        """Give the network the averages for its parameters."""
        params = dict(net.named_parameters())
        for name, value in self.values.items():
            params[name].copy_(value)

    @contextmanager
    def applied(self, net: nn.Module) -> Iterator[None]:
        """Let the network have the averages while the block runs, and its own weights after."""
        own = [p.detach().clone() for p in net.parameters()]
        self.copy_to(net)
        try:
            yield
        finally:
            with torch.no_grad():
                for param, value in zip(net.parameters(), own, strict=True):
                    param.copy_(value)

    def state_dict(self) -> dict[str, int | dict[str, Tensor]]:
        """All that `load_state_dict` needs; the decay is the recipe's."""
        return {"updates": self.updates, "values": self.values}

    def load_state_dict(self, state: dict[str, int | dict[str, Tensor]]) -> None:
        """Go on from a state of the same network."""
        updates, values = state["updates"], state["values"]
        assert isinstance(updates, int)
        assert isinstance(values, dict)
        self.updates = updates
        for name, value in self.values.items():
            value.copy_(values[name])
