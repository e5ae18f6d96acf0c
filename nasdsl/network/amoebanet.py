"""The `amoebanet` skeleton: the released AmoebaNet.

Purpose: tensorflow/tpu `models/official/amoeba_net/model_builder.py` and `network_utils.py` as
rules.
Non-goals: what it shares with `nasnet`: the inputs of a cell, the order of cells, stem and head
are the same.

- The cell after a reduction takes the cell just before it.
- Drop path: on every op's output except `identity`; no depth term (its version `v1`).
- The auxiliary classifier stands where slim's does, with 0.4 times its filters, rounded down.
- ImageNet stem: a first convolution of 32 filters. The code's stem for small images serves no
  published network; the CIFAR stem here is NASNet-A's, which the published sizes agree with.
"""

from nasdsl.language.genotype.types import Genotype
from nasdsl.network.nasnet import RULES, nasnet_cells, slim_head
from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import Auxiliary, Stack, auxiliary_layers, joined

#: 0.4 times slim's 128 and 768 (`aux_scaling`).
AUXILIARY = Auxiliary(filters=(51, 307))


def amoebanet_stack(genotype: Genotype, skeleton: Skeleton) -> Stack:
    """The whole network: stem, cells, classifiers."""
    stack = Stack(genotype, skeleton, RULES)
    cells = nasnet_cells(stack, depth=lambda place, count: 1.0)
    slim_head(stack, cells[-1])
    if skeleton.auxiliary:
        states = cells[2 * skeleton.N]
        chain = auxiliary_layers(joined(states), skeleton.classes, AUXILIARY)
        stack.classifier("auxiliary", states, chain)
    return stack
