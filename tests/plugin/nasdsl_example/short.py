"""The skeleton `short`: N normal cells, one reduction cell, N normal cells."""

from nasdsl.network.skeleton import Skeleton, Stem
from nasdsl.network.stack import PlannedCell, Stack, head_layers, joined, stem_layers
from nasdsl.skeletons import nasnet


def short_plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """Every cell in order; the filters double at the reduction."""
    before = [PlannedCell(f"cells.{number}", "normal") for number in range(N)]
    reduction = PlannedCell(f"cells.{N}", "reduction", stride=2, times=2)
    after = [PlannedCell(f"cells.{N + 1 + number}", "normal", times=2) for number in range(N)]
    return (*before, reduction, *after)


def short_stack(stack: Stack) -> None:
    """The whole network: a convolution, the cells, a classifier."""
    filters = stack.configuration.stem_filters
    stack.stem("stem", stack.image, stem_layers(stack.image.shape, filters, 1, "same"))
    last = stack.cells()[-1]
    stack.classifier("head", last, head_layers(joined(last), stack.configuration))


SMALL = Stem(
    N=2,
    cell_filters=16,
    image_size=32,
    classes=10,
    drop_path=0.0,
    dropout=0.0,
    batch_norm_epsilon=1e-5,
    batch_norm_momentum=0.1,
    stem_filters=lambda cell_filters: cell_filters,
    size_after=lambda size: size,
)
short = Skeleton(
    name="short",
    stems={"small": SMALL},
    plan=short_plan,
    stack=short_stack,
    rules=nasnet.RULES,
    default_stem="small",
)
