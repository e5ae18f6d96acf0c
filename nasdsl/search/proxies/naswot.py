"""naswot: how differently the untrained network's ReLUs see different images.

The score of Mellor et al. 2021, "Neural Architecture Search without Training" (section 3): each
image's pattern of active ReLUs is a binary code; the score is the log of the determinant of the
matrix of how many ReLUs each two images agree on. Networks without ReLUs score minus infinity.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nasdsl.search.proxies import Proxy


def naswot(network: nn.Module, images: Tensor) -> float:
    """The log of |det K_H| over a batch of images, (B, C, H, W).

    Batch normalization uses the batch's own statistics, as in the paper's code: an
    untrained network has no others.
    """
    with torch.no_grad(), _Agreements(len(images)) as seen:
        network.train()(images)
    _, log_determinant = torch.linalg.slogdet(seen.agreements)
    return float(log_determinant)


PROXY = Proxy(naswot, takes_images=True)


class _Agreements(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts, over all ReLUs that are computed, on which each two images agree, (B, B).

    Watching what is computed, and not modules, needs no knowledge of how a network is built.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.agreements = torch.zeros(batch, batch, dtype=torch.float64)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten.relu.default, torch.ops.aten.relu_.default):
            active = (found > 0).flatten(1).float()
            inactive = 1 - active
            self.agreements += active @ active.T + inactive @ inactive.T
        return found
