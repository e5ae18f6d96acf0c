"""The `nasnet` skeleton: TensorFlow slim's released NASNet-A.

Purpose: `nets/nasnet/nasnet.py` (the stack) and the inputs of a cell after
`nasnet_utils.py`, as rules.
Non-goals: rules every skeleton shares (`nasdsl.network.cells`).

- Inputs (`_cell_base`, `_reduce_prev_layer`): h[i] always gets ReLU, 1x1 convolution, batch
  norm. An older state gets ReLU, factorized reduction, batch norm where its size differs
  from h[i]'s (once for every halving between them; slim needs one); else ReLU, 1x1
  convolution, batch norm where its channels are not the cell's filters; else nothing. Where
  there is no older state, the raw h[i] stands in and nothing is done to it.
- Drop path: on every op's output except slim's `none`, the op that passes its input through
  where it can, even where it cannot (`_apply_conv_operation`).
- Stack: stem; N normal cells, reduction, N, reduction, N; filters double at each reduction.
- CIFAR stem: 3x3 convolution of stride 1 and batch norm, no ReLU. ImageNet stem: 3x3
  convolution of stride 2 without padding, batch norm, then two reduction cells of F / 4
  and F / 2 filters, rounded down.
- `skip_reduction_input`: the outputs of the cell before a reduction are left out of the list
  that the cell after it reads (`skip_reduction_layer_input`).
- Head: ReLU, mean, dropout, fully connected. The auxiliary classifier reads the last cell
  before the second reduction.
- Depth of cell c, counted from 1 with stem and reduction cells: c / number of cells.
"""

from collections.abc import Callable, Sequence
from operator import truediv

from nasdsl.language.genotype.types import CellKind, Genotype
from nasdsl.language.genotype.vocabulary import Form, Op
from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import (
    HiddenState,
    Stack,
    auxiliary_layers,
    head_layers,
    joined,
    stem_layers,
)


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """How h[i-back] is brought to the cell."""
    shape = given.shape
    if back == 0:
        return layers.relu_convolution_norm(shape, filters)
    if given.missing:
        return ()
    if shape[1:] != newest[1:]:
        return halved_to(newest, shape, filters)
    return layers.relu_convolution_norm(shape, filters) if shape.channels != filters else ()


def halved_to(newest: Shape, shape: Shape, filters: int) -> Chain:
    """ReLU, factorized reduction, batch norm, until the size is that of `newest`."""
    chain: Chain = ()
    while shape.height > newest.height and shape.width > newest.width:
        chain += layers.relu_halved_norm(shape, filters)
        shape = chain[-1].shape
    return chain


def drops(op: Op, form: Form) -> bool:
    """Whether drop path applies: not to an op that is an identity where nothing changes."""
    return not any(passes_through(each) for each in op.forms)


def passes_through(form: Form) -> bool:
    """Whether the form does nothing to its input."""
    return all(layer.primitive == "identity" for layer in form.layers)


RULES = CellRules(prepared, drops)


#: From a cell's place, counted from 1 with the stem cells, and the number of cells to
#: `Module.depth`.
Depth = Callable[[int, int], float]


def nasnet_stack(genotype: Genotype, skeleton: Skeleton) -> Stack:
    """The whole network: stem, cells, classifiers."""
    stack = Stack(genotype, skeleton, RULES)
    cells = nasnet_cells(stack)
    slim_head(stack, cells[-1])
    if skeleton.auxiliary:
        slim_auxiliary(stack, cells[2 * skeleton.N])
    return stack


def nasnet_cells(stack: Stack, depth: Depth = truediv) -> list[list[HiddenState]]:
    """Append stem and cells; what each of the 3N + 2 cells gives."""
    skeleton = stack.skeleton
    reductions = skeleton.N, 2 * skeleton.N + 1
    count = 3 * skeleton.N + 2 + (2 if skeleton.stem == "imagenet" else 0)
    place = slim_stem(stack, "reduction", count, depth)
    filters = skeleton.cell_filters
    reads = stack.hidden
    cells: list[list[HiddenState]] = []
    for number in range(3 * skeleton.N + 2):
        place += 1
        name, deep = f"cells.{number}", depth(place, count)
        if number not in reductions:
            cells.append(stack.cell(name, "normal", 1, filters, deep, reads))
            reads = stack.hidden
            continue
        filters *= 2
        older = stack.hidden[: -len(cells[-1])]
        cells.append(stack.cell(name, "reduction", 2, filters, deep))
        reads = [*older, *cells[-1]] if skeleton.skip_reduction_input else stack.hidden
    return cells


def slim_stem(stack: Stack, kind: CellKind, cells: int, depth: Depth = truediv) -> int:
    """Append slim's stem; the ImageNet stem has two strided cells of `kind`.

    Returns how many cells it has; `cells` are those of the whole network.
    """
    skeleton = stack.skeleton
    image = stack.image
    width = skeleton.stem_filters
    if skeleton.stem == "cifar":
        stack.stem("stem", image, stem_layers(image.shape, width, 1, "same"))
        return 0
    stack.stem("stem", image, stem_layers(image.shape, width, 2, "valid"))
    for index, divisor in enumerate((4, 2)):
        filters = skeleton.cell_filters // divisor
        stack.cell(f"stem_cells.{index}", kind, 2, filters, depth(index + 1, cells))
    return 2


def slim_head(stack: Stack, states: Sequence[HiddenState]) -> None:
    """Append slim's head: ReLU, mean, dropout, fully connected."""
    shape = joined(states)
    relu = ("relu", layers.pointwise("relu", shape))
    stack.classifier("head", states, [relu, *head_layers(shape, stack.skeleton)])


def slim_auxiliary(stack: Stack, states: Sequence[HiddenState]) -> None:
    """Append slim's auxiliary classifier."""
    chain = auxiliary_layers(joined(states), stack.skeleton.classes)
    stack.classifier("auxiliary", states, chain)
