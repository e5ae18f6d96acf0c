"""The `enas` skeleton: the released ENAS, micro search space.

Purpose: melodyguan/enas `src/cifar10/micro_child.py` with a fixed architecture, as rules.
Non-goals: what it shares with `nasnet`: the order of cells and the CIFAR stem are the same.
Sharing weights while searching.

- Inputs (`_maybe_calibrate_size`, `layer_base` of `_fixed_layer`): h[i] gets ReLU, 1x1
  convolution, batch norm, twice where its channels are not the cell's filters. An older state
  gets ReLU, factorized reduction, batch norm where its size differs (once for every halving);
  else ReLU, 1x1 convolution, batch norm where its channels differ; else nothing. The stem is
  the first cell's h[i] and h[i-1].
- Drop path: on every op's output except `identity`, with the depth term of `nasnet`.
- The cell after a reduction takes the cell just before it.
- Head: ReLU, mean, dropout, fully connected without bias. The auxiliary classifier reads the
  first cell after the second reduction; its last convolution pads, so that a mean follows.
- ENAS has no ImageNet network; the stem given here is NASNet-A's.
"""

from nasdsl.language.genotype.types import Genotype
from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.nasnet import drops, halved_to, nasnet_cells
from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import (
    Auxiliary,
    Stack,
    auxiliary_layers,
    head_layers,
    joined,
)


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """How h[i-back] is brought to the cell."""
    shape = given.shape
    if shape[1:] != newest[1:]:
        return halved_to(newest, shape, filters)
    matched: Chain = ()
    if shape.channels != filters:
        matched = layers.relu_convolution_norm(shape, filters)
    if back > 0:
        return matched
    narrow = Shape(filters, shape.height, shape.width)
    return matched + layers.relu_convolution_norm(narrow, filters)


RULES = CellRules(prepared, drops)
AUXILIARY = Auxiliary(padding="same", bias=False)


def enas_stack(genotype: Genotype, skeleton: Skeleton) -> Stack:
    """The whole network: stem, cells, classifiers."""
    stack = Stack(genotype, skeleton, RULES)
    cells = nasnet_cells(stack)
    shape = joined(cells[-1])
    relu = ("relu", layers.pointwise("relu", shape))
    stack.classifier("head", cells[-1], [relu, *head_layers(shape, skeleton, bias=False)])
    if skeleton.auxiliary:
        states = cells[2 * skeleton.N + 2]
        chain = auxiliary_layers(joined(states), skeleton.classes, AUXILIARY)
        stack.classifier("auxiliary", states, chain)
    return stack
