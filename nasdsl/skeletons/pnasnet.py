"""The `pnasnet` skeleton: TensorFlow slim's released PNASNet-5.

Purpose: `nets/nasnet/pnasnet.py` as rules.
Non-goals: what it shares with `nasnet`: inputs, drop path, stem and head are the same.

- There is one cell. 3N cells in three stages; the first cell of the second and third stage
  has stride 2 and twice the filters. The stem cells are strided normal cells too.
- Every cell takes the two hidden states before it, as slim does with
  `skip_reduction_layer_input` set, which in PNASNet means that and nothing else.
- The auxiliary classifier reads the last cell of the second stage.
- Depth of cell c, counted from 1 with the stem cells: c / number of cells.
- slim has no CIFAR network; its stem is NASNet-A's, N and F are the PNAS paper's, and the rest is
  NASNet-A's.
"""

from dataclasses import replace

from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import PlannedCell, Stack
from nasdsl.skeletons import nasnet as slim


def pnasnet_plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """Three stages of N cells, of which the first of the second and third strides."""
    stages = (
        PlannedCell(
            f"cells.{number}",
            "normal",
            2 if number in (N, 2 * N) else 1,
            2 ** (number // N),
            before_auxiliary=number == 2 * N - 1,
        )
        for number in range(3 * N)
    )
    return (*slim.stem_cells(stem, "normal"), *stages)


def pnasnet_stack(stack: Stack) -> None:
    """The whole network: stem, cells, classifiers."""
    slim.slim_stem(stack)
    cells = stack.cells()
    slim.slim_head(stack, cells[-1])
    slim.slim_auxiliary(stack, stack.before_auxiliary(cells))


# Cadene's file, which timm took over, keeps the halving of an older state one level down.
_CADENE = {
    "stem": ("conv_0.conv.weight", "conv_0.bn"),
    "head": ("last_linear",),
    "halving": ("conv_prev_1x1.",),
}
pnasnet = Skeleton(
    name="pnasnet",
    stems={
        "cifar": replace(slim.CIFAR, N=3, cell_filters=48),
        "imagenet": replace(
            slim.IMAGENET,
            N=4,
            cell_filters=216,
            drop_path=0.4,
            skip_reduction_input=False,
            layouts={
                "slim": slim.IMAGENET.layouts["slim"],
                "timm": _CADENE,
                "cadene": _CADENE,
            },
        ),
    },
    plan=pnasnet_plan,
    stack=pnasnet_stack,
    rules=slim.RULES,
    initialisation=slim.INITIALISATION,
    cells=("normal",),
    fixed=slim.always_the_newest("pnasnet"),
)
