"""The `pnasnet` skeleton: TensorFlow slim's released PNASNet-5.

Purpose: `nets/nasnet/pnasnet.py` as rules.
Non-goals: what it shares with `nasnet`: inputs, drop path, stem and head are the same.

- There is one cell. 3N cells in three stages; the first cell of the second and third stage
  has stride 2 and twice the filters. The stem cells are strided normal cells too.
- Every cell takes the two hidden states before it, as slim does with
  `skip_reduction_layer_input` set, which in PNASNet means that and nothing else.
- The auxiliary classifier reads the last cell of the second stage.
- Depth of cell c, counted from 1 with the stem cells: c / number of cells.
- slim has no CIFAR network; its stem is NASNet-A's.
"""

from nasdsl.language.genotype.types import Genotype
from nasdsl.network.nasnet import RULES, slim_auxiliary, slim_head, slim_stem
from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import Stack


def pnasnet_stack(genotype: Genotype, skeleton: Skeleton) -> Stack:
    """The whole network: stem, cells, classifiers."""
    stack = Stack(genotype, skeleton, RULES)
    cells = 3 * skeleton.N + (2 if skeleton.stem == "imagenet" else 0)
    place = slim_stem(stack, "normal", cells)
    filters = skeleton.cell_filters
    stages = []
    for number in range(3 * skeleton.N):
        strides = number in (skeleton.N, 2 * skeleton.N)
        filters *= 2 if strides else 1
        place += 1
        stride = 2 if strides else 1
        made = stack.cell(f"cells.{number}", "normal", stride, filters, place / cells)
        if (number + 1) % skeleton.N == 0:
            stages.append(made)
    slim_head(stack, stages[-1])
    if skeleton.auxiliary:
        slim_auxiliary(stack, stages[1])
    return stack
