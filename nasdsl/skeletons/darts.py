"""The `darts` skeleton: quark0/darts `cnn/model.py` (`NetworkCIFAR`, `NetworkImageNet`).

Purpose: its wiring, as rules.
Non-goals: its ops; those are the vocabulary `darts`.

- Inputs: every state gets ReLU, 1x1 convolution, batch norm; an older state of another size
  gets ReLU, factorized reduction, batch norm (once for every halving between them). Both
  inputs of a cell are prepared, whether or not a block reads them.
- Drop path: on every op's output except what passes through unchanged; no depth term.
- Stack: any number of cells, reductions at a third and two thirds; of 3N + 2 cells that leaves N
  normal ones before, between and after them. Filters double at each reduction.
- CIFAR stem: 3x3 convolution to 3C and batch norm; it is the first cell's h[i] and h[i-1].
  ImageNet stem: `stem0` is 3x3 convolutions of stride 2 to C / 2 and C with batch norm, ReLU
  between them; `stem1` is ReLU, 3x3 convolution of stride 2, batch norm. All pad k // 2.
- Head: mean, fully connected; no ReLU. The auxiliary classifier reads the second reduction
  cell. ImageNet's pools with stride 2 and lacks the last batch norm, as released.
"""

from nasdsl.language.genotype.vocabulary import Form, Op
from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.skeleton import Skeleton, Stem
from nasdsl.network.stack import (
    AUXILIARY,
    Auxiliary,
    NamedNode,
    PlannedCell,
    Stack,
    head_layers,
    joined,
    stem_layers,
)
from nasdsl.skeletons import nasnet as slim
from nasdsl.skeletons.amoebanet import no_depth


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """How h[i-back] is brought to the cell."""
    if given.shape[1:] != newest[1:]:
        return slim.halved_to(newest, given.shape, filters)
    return layers.relu_convolution_norm(given.shape, filters)


def drops(op: Op, form: Form) -> bool:
    """Whether drop path applies: to everything that is not passed through as it is."""
    return not slim.passes_through(form)


def darts_plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """3N + 2 cells: N normal ones before, between and after two reductions."""
    return darts_layers(stem, 3 * N + 2)


def darts_layers(stem: str, layers: int) -> tuple[PlannedCell, ...]:
    """Any number of cells, with reductions at a third and two thirds."""
    second = 2 * layers // 3
    reductions = {layers // 3, second}
    return tuple(
        PlannedCell(
            f"cells.{number}",
            "reduction" if number in reductions else "normal",
            2 if number in reductions else 1,
            2 ** sum(number >= reduction for reduction in reductions),
            before_auxiliary=number == second,
        )
        for number in range(layers)
    )


def darts_stack(stack: Stack) -> None:
    """The whole network: stem, cells, classifiers."""
    _stem(stack)
    cells = stack.cells()
    last = cells[-1]
    stack.classifier("head", last, head_layers(joined(last), stack.configuration))
    slim.slim_auxiliary(stack, stack.before_auxiliary(cells))


def _stem(stack: Stack) -> None:
    chosen, image = stack.configuration, stack.image
    if chosen.stem == "cifar":
        stack.stem("stem", image, stem_layers(image.shape, chosen.stem_filters, 1, "symmetric"))
        return
    filters = chosen.cell_filters
    first = stem_layers(image.shape, chosen.stem_filters, 2, "symmetric", "0")
    narrow = first[-1][1].shape
    second = stem_layers(narrow, filters, 2, "symmetric", "1")
    stem0 = stack.stem("stem0", image, [*first, _relu(narrow), *second])
    last = stem_layers(stem0.shape, filters, 2, "symmetric")
    stack.stem("stem1", stem0, [_relu(stem0.shape), *last])


def _relu(shape: Shape) -> NamedNode:
    return "relu", layers.pointwise("relu", shape)


_FEATURES = "auxiliary_head.features"
CIFAR = Stem(
    N=6,
    cell_filters=36,
    image_size=32,
    classes=10,
    drop_path=0.2,
    dropout=0.0,
    batch_norm_epsilon=1e-5,
    batch_norm_momentum=0.1,
    stem_filters=slim.three_times,
    size_after=slim.unchanged,
    auxiliary=AUXILIARY,
    layouts={
        "darts": {
            "stem": ("stem.0.weight", "stem.1"),
            "head": ("classifier",),
            "auxiliary": (
                f"{_FEATURES}.2.weight",
                f"{_FEATURES}.3",
                f"{_FEATURES}.5.weight",
                f"{_FEATURES}.6",
                "auxiliary_head.classifier",
            ),
        }
    },
)
IMAGENET = Stem(
    N=4,
    cell_filters=48,
    image_size=224,
    classes=1000,
    drop_path=0.0,
    dropout=0.0,
    batch_norm_epsilon=1e-5,
    batch_norm_momentum=0.1,
    stem_filters=lambda cell_filters: cell_filters // 2,
    size_after=lambda size: -(-size // 8),  # three strided convolutions, padded
    least_cell_filters=2,
    auxiliary=Auxiliary(pool_stride=2, last_norm=False),
    fixed={
        "stem_filters": (
            "its first convolution always has half the filters of the first cell",
            "leave stem_filters out, or choose `stem = cifar`",
        )
    },
    layouts={
        "darts": {
            "stem0": ("stem0.0.weight", "stem0.1", "stem0.3.weight", "stem0.4"),
            "stem1": ("stem1.1.weight", "stem1.2"),
            "head": ("classifier",),
            # It lacks the last batch norm.
            "auxiliary": (
                f"{_FEATURES}.2.weight",
                f"{_FEATURES}.3",
                f"{_FEATURES}.5.weight",
                "auxiliary_head.classifier",
            ),
        }
    },
)

darts = Skeleton(
    name="darts",
    stems={"cifar": CIFAR, "imagenet": IMAGENET},
    plan=darts_plan,
    plan_of_layers=darts_layers,
    stack=darts_stack,
    rules=CellRules(prepared, drops, always_prepared=2),
    depth=no_depth,
    fixed=slim.always_the_newest("darts"),
)
