"""synflow: how much flows through the network's synapses, whatever the data.

The score of Tanaka et al. 2020, "Pruning neural networks without any data by
iteratively conserving synaptic flow" (equation 1), summed over all parameters: with every
parameter replaced by its absolute value and an image of ones, the sum of each parameter
times its gradient of the sum of the outputs.
"""

import torch
from torch import Tensor, nn

from nasdsl.search.proxies import Proxy


def synflow(network: nn.Module, images: Tensor) -> float:
    """The logarithm of the score, because it spans hundreds of orders of magnitude.

    In double precision, for the same reason. Batch normalization is that of evaluation, and
    its statistics are those of no training: it passes on what it is given.

    Args:
        network: with its first weights; they are replaced by their absolute values.
        images: (1, C, H, W), ones.
    """
    network = network.double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    network.zero_grad()
    network(images.double()).sum().backward()
    flows = [
        (parameter * parameter.grad).sum()
        for parameter in network.parameters()
        if parameter.grad is not None
    ]
    return float(torch.stack(flows).sum().detach().log())


PROXY = Proxy(synflow, takes_images=False)
