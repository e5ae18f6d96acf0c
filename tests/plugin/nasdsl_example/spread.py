"""The zero-cost score `spread`: how far the logits of an untrained network lie apart."""

import torch
from torch import Tensor, nn

from nasdsl.search.proxies import Proxy


def spread(network: nn.Module, images: Tensor) -> float:
    """The deviation of all logits of a batch, (B, C, H, W)."""
    with torch.no_grad():
        return float(network.eval()(images).std())


PROXY = Proxy(spread, takes_images=True)
