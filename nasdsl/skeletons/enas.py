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

from dataclasses import replace

from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.skeleton import Initialisation, Skeleton
from nasdsl.network.stack import Auxiliary, PlannedCell, Stack
from nasdsl.skeletons import nasnet as slim


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """How h[i-back] is brought to the cell."""
    shape = given.shape
    if shape[1:] != newest[1:]:
        return slim.halved_to(newest, shape, filters)
    matched: Chain = ()
    if shape.channels != filters:
        matched = layers.relu_convolution_norm(shape, filters)
    if back > 0:
        return matched
    narrow = Shape(filters, shape.height, shape.width)
    return matched + layers.relu_convolution_norm(narrow, filters)


AUXILIARY = Auxiliary(padding="same", bias=False)


def enas_plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """The cells of `nasnet`; the auxiliary classifier reads the one after the last reduction."""
    plan = slim.nasnet_plan(stem, N)
    name = f"cells.{2 * N + 2}"
    return tuple(cell._replace(before_auxiliary=cell.name == name) for cell in plan)


def enas_stack(stack: Stack) -> None:
    """The whole network: stem, cells, classifiers."""
    slim.slim_stem(stack)
    cells = stack.cells()
    slim.slim_head(stack, cells[-1], bias=False)
    slim.slim_auxiliary(stack, stack.before_auxiliary(cells))


enas = Skeleton(
    name="enas",
    stems={
        "cifar": replace(
            slim.CIFAR, N=5, cell_filters=36, dropout=0.2, auxiliary=AUXILIARY, layouts={}
        ),
        "imagenet": replace(
            slim.IMAGENET,
            N=4,
            cell_filters=48,
            image_size=224,
            drop_path=0.4,
            dropout=0.2,
            batch_norm_epsilon=1e-5,
            batch_norm_momentum=0.1,
            stem_filters=lambda _: 32,
            skip_reduction_input=False,
            auxiliary=AUXILIARY,
            layouts={},
        ),
    },
    plan=enas_plan,
    stack=enas_stack,
    rules=CellRules(prepared, slim.drops, always_prepared=2),
    # `he_normal`: a depthwise kernel's fan-in is its area times the channels.
    initialisation=Initialisation(
        "normal", "in", (2,), "as ENAS does: `he_normal`, cut at two standard deviations"
    ),
    fixed=slim.always_the_newest("enas"),
)
