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

from dataclasses import replace

from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import Auxiliary
from nasdsl.skeletons import nasnet as slim

#: 0.4 times slim's 128 and 768 (`aux_scaling`).
AUXILIARY = Auxiliary(filters=(51, 307))


def no_depth(place: int, count: int) -> float:
    """Every cell drops its paths alike."""
    return 1.0


amoebanet = Skeleton(
    name="amoebanet",
    stems={
        "cifar": replace(
            slim.CIFAR,
            cell_filters=36,
            drop_path=0.3,
            batch_norm_epsilon=1e-3,
            batch_norm_momentum=3e-4,
            auxiliary=AUXILIARY,
            layouts={},
        ),
        "imagenet": replace(
            slim.IMAGENET,
            cell_filters=190,
            stem_filters=lambda _: 32,  # `stem_reduction_size`
            skip_reduction_input=False,
            auxiliary=AUXILIARY,
            layouts={},
        ),
    },
    plan=slim.nasnet_plan,
    stack=slim.nasnet_stack,
    rules=slim.RULES,
    initialisation=slim.INITIALISATION,
    depth=no_depth,
    fixed=slim.always_the_newest("amoebanet"),
)
