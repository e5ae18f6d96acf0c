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

from collections.abc import Iterator, Sequence

from nasdsl.language.genotype.types import CellKind
from nasdsl.language.genotype.vocabulary import Form, Op
from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.skeleton import Initialisation, Skeleton, Stem
from nasdsl.network.stack import (
    AUXILIARY,
    HiddenState,
    PlannedCell,
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


#: slim prepares both inputs (`_cell_base`), whether or not a block reads them.
RULES = CellRules(prepared, drops, always_prepared=2)
#: `variance_scaling_initializer(mode="FAN_OUT")`: a depthwise kernel's fan-out is its area.
INITIALISATION = Initialisation(
    "normal", "out", (1.3, 2), "as TensorFlow slim's NASNet does: variance scaling over the fan-out"
)


# -- the stack -----------------------------------------------------------------------------


def nasnet_plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """Three stages of N normal cells, and a reduction between two of them."""
    return (*stem_cells(stem, "reduction"), *_stages(N))


def stem_cells(stem: str, kind: CellKind) -> tuple[PlannedCell, ...]:
    """The two strided cells of slim's ImageNet stem."""
    if stem == "cifar":
        return ()
    return tuple(
        PlannedCell(f"stem_cells.{index}", kind, 2, over=over, in_stem=True)
        for index, over in enumerate((4, 2))
    )


def _stages(N: int) -> Iterator[PlannedCell]:
    reductions, times = (N, 2 * N + 1), 1
    for number in range(3 * N + 2):
        name = f"cells.{number}"
        if number in reductions:
            times *= 2
            yield PlannedCell(name, "reduction", 2, times)
        else:
            yield PlannedCell(name, "normal", 1, times, before_auxiliary=number == 2 * N)


def nasnet_stack(stack: Stack) -> None:
    """The whole network: stem, cells, classifiers."""
    slim_stem(stack)
    cells = stack.cells(stack.configuration.skip_reduction_input)
    slim_head(stack, cells[-1])
    slim_auxiliary(stack, stack.before_auxiliary(cells))


def slim_stem(stack: Stack) -> None:
    """Append the layers of slim's stem."""
    image, width = stack.image, stack.configuration.stem_filters
    cifar = stack.configuration.stem == "cifar"
    chain = stem_layers(image.shape, width, *((1, "same") if cifar else (2, "valid")))
    stack.stem("stem", image, chain)


def slim_head(stack: Stack, states: Sequence[HiddenState], bias: bool = True) -> None:
    """Append slim's head: ReLU, mean, dropout, fully connected."""
    shape = joined(states)
    relu = ("relu", layers.pointwise("relu", shape))
    stack.classifier("head", states, [relu, *head_layers(shape, stack.configuration, bias)])


def slim_auxiliary(stack: Stack, states: Sequence[HiddenState]) -> None:
    """Append slim's auxiliary classifier, where it is asked for."""
    if stack.configuration.auxiliary and stack.auxiliary:
        chain = auxiliary_layers(joined(states), stack.configuration.classes, stack.auxiliary)
        stack.classifier("auxiliary", states, chain)


# -- stems ---------------------------------------------------------------------------------


def three_times(cell_filters: int) -> int:
    """The CIFAR stems have three times the first cell's filters, in slim and in DARTS."""
    return 3 * cell_filters


def unchanged(size: int) -> int:
    """The CIFAR stems keep the size of the image."""
    return size


def slim_size(size: int) -> int:
    """Slim's ImageNet stem begins with a strided convolution without padding."""
    return (size - 1) // 2


#: slim's configurations for NASNet-A large and CIFAR-10. The auxiliary classifier is left out
#: unless asked for: it only serves training, and published sizes leave it out.
CIFAR = Stem(
    N=6,
    cell_filters=32,
    image_size=32,
    classes=10,
    drop_path=0.4,
    dropout=0.0,
    batch_norm_epsilon=1e-5,
    batch_norm_momentum=0.1,
    stem_filters=three_times,
    size_after=unchanged,
    auxiliary=AUXILIARY,
    layouts={"slim": {"stem": ("l1_stem_3x3/weights", "l1_stem_bn"), "head": ("final_layer/FC",)}},
)
IMAGENET = Stem(
    N=6,
    cell_filters=168,
    image_size=331,
    classes=1000,
    drop_path=0.3,
    dropout=0.5,
    batch_norm_epsilon=1e-3,
    batch_norm_momentum=3e-4,
    # slim's int(32 * stem_multiplier), which is 3 in the large networks.
    stem_filters=lambda _: 96,
    size_after=slim_size,
    skip_reduction_input=True,
    auxiliary=AUXILIARY,
    layouts={
        "slim": {"stem": ("conv0/weights", "conv0_bn"), "head": ("final_layer/FC",)},
        "timm": {"stem": ("conv0.conv.weight", "conv0.bn"), "head": ("last_linear",)},
        # The mobile network keeps the large one's numbers, of six normal cells a stage.
        "cadene": {
            "stem": ("conv0.conv.weight", "conv0.bn"),
            "head": ("last_linear",),
            "cells a stage": ("6",),
        },
        "keras": {"stem": ("stem_conv1/kernel", "stem_bn1"), "head": ("predictions",)},
    },
)

nasnet = Skeleton(
    name="nasnet",
    stems={"cifar": CIFAR, "imagenet": IMAGENET},
    plan=nasnet_plan,
    stack=nasnet_stack,
    rules=RULES,
    initialisation=INITIALISATION,
)


def always_the_newest(name: str) -> dict[str, tuple[str, ...]]:
    """What `Skeleton.fixed` says where skip_reduction_input does not apply."""
    return {
        "skip_reduction_input": (
            f"in {name} the cell after a reduction always takes the cell just before it",
            "leave skip_reduction_input out, or choose `skeleton = nasnet`",
        )
    }
