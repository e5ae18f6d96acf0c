"""A skeleton as a third party would write it: one file and one entry point.

Four stages of N normal cells with a reduction between two of them, and no cell is wider than the
first. A stem of its own, `patch`; a head that reads through a ReLU; an auxiliary classifier
before the last reduction.
"""

from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.skeleton import Initialisation, Skeleton, Stem
from nasdsl.network.stack import (
    Auxiliary,
    PlannedCell,
    Stack,
    auxiliary_layers,
    head_layers,
    joined,
    stem_layers,
)

STAGES = 4


def plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """The cells, none wider than the first."""
    cells = []
    for number in range(STAGES * (N + 1) - 1):
        reduces = number % (N + 1) == N
        last_before_reduction = number == (STAGES - 1) * (N + 1) - 2
        cells.append(
            PlannedCell(
                f"cells.{number}",
                "reduction" if reduces else "normal",
                2 if reduces else 1,
                before_auxiliary=last_before_reduction,
            )
        )
    return tuple(cells)


def stack(network: Stack) -> None:
    """Stem, cells and classifiers."""
    chosen, image = network.configuration, network.image
    network.stem("stem", image, stem_layers(image.shape, chosen.stem_filters, 2, "symmetric"))
    cells = network.cells()
    shape = joined(cells[-1])
    relu = ("relu", layers.pointwise("relu", shape))
    network.classifier("head", cells[-1], [relu, *head_layers(shape, chosen)])
    if chosen.auxiliary and network.auxiliary:
        states = network.before_auxiliary(cells)
        chain = auxiliary_layers(joined(states), chosen.classes, network.auxiliary)
        network.classifier("auxiliary", states, chain)


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """Every state is brought to the newest one's size and the cell's filters."""
    chain: Chain = ()
    shape = given.shape
    while shape.height > newest.height:
        chain += layers.relu_halved_norm(shape, filters)
        shape = chain[-1].shape
    return chain or layers.relu_convolution_norm(shape, filters)


ladder = Skeleton(
    name="ladder",
    stems={
        "patch": Stem(
            N=2,
            cell_filters=32,
            image_size=64,
            classes=10,
            drop_path=0.1,
            dropout=0.0,
            batch_norm_epsilon=1e-5,
            batch_norm_momentum=0.1,
            stem_filters=lambda cell_filters: 2 * cell_filters,
            size_after=lambda size: -(-size // 2),
            auxiliary=Auxiliary(filters=(16, 24)),
        )
    },
    plan=plan,
    stack=stack,
    rules=CellRules(prepared, lambda op, form: bool(form.layers)),
    initialisation=Initialisation("normal", "in", (2,), "as He et al. 2015 do"),
    default_stem="patch",
    fixed={"skip_reduction_input": ("a ladder skips nothing",)},
)
not_a_skeleton = {"name": "broken"}
