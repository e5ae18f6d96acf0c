"""Weighted sums of the options of a choice, without passes over maps that can be spared.

Purpose: `WeightedSum`, made in the memory of its first term, and `scaled_norm`, by which a batch
norm takes in the weight of what it normalises.
Non-goals: which options there are (`mixed_cell`), their weights (`mixed_supernet`).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class WeightedSum:
    """A sum of maps (B, C, H, W), of which each may have a weight, a scalar.

    No map is copied that its own gradient does not need, and none is changed that somebody else
    might read: what the sum is made in is a tensor that it, or a batch norm, has made.
    """

    def __init__(self) -> None:
        self._map: Tensor | None = None
        self._scalars: list[Tensor] = []

    def add(self, weight: Tensor, made: Tensor) -> None:
        """Add a weight times a map."""
        self._map = weight * made if self._map is None else self._map.addcmul_(made, weight)

    def give(self, made: Tensor) -> None:
        """Add a map which nothing else reads, and which its own gradient does not need."""
        self._map = made if self._map is None else self._map.add_(made)

    def scalar(self, value: Tensor) -> None:
        """Add one number everywhere."""
        self._scalars.append(value)

    def total(self, zeros: Callable[[], Tensor]) -> Tensor:
        """The sum; `zeros` gives a map where none has been added."""
        made = zeros() if self._map is None else self._map
        return made + torch.stack(self._scalars).sum() if self._scalars else made


def scaled_norm(norm: nn.BatchNorm2d, x: Tensor, weight: Tensor) -> Tensor:
    """A weight times what a batch norm makes of (B, C, H, W).

    The weight goes into the norm's scales and shifts, which are C numbers, so that neither it nor
    its gradient takes a pass over the map, and the map before it need not be kept.
    """
    # In DARTS's super-network they have none.
    own_scales, own_shifts = norm._parameters["weight"], norm._parameters["bias"]
    scales = weight.expand(x.shape[1]) if own_scales is None else weight * own_scales
    shifts = None if own_shifts is None else weight * own_shifts
    keeps = norm.track_running_stats
    if norm.training and keeps and norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    moving = keeps or not norm.training
    return F.batch_norm(
        x,
        norm.running_mean if moving else None,
        norm.running_var if moving else None,
        scales.contiguous(),
        shifts,
        norm.training,
        norm.momentum or 0.0,
        norm.eps,
    )
