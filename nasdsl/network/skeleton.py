"""`Skeleton`: all that is particular to one way of stacking cells, in one object.

Purpose: what a package offers under the entry points `nasdsl.skeletons`. Nothing else in nasdsl
tests for a skeleton's name: whoever needs to know something about a skeleton asks its object.
Non-goals: the skeletons (`nasdsl/skeletons`, one file each), a network's settings with every
choice made (`nasdsl.network.configuration`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import truediv
from typing import Literal, NamedTuple, cast

from nasdsl.language.genotype import settings
from nasdsl.language.genotype.types import CellKind, Genotype
from nasdsl.network.cells import CellRules
from nasdsl.network.configuration import Configuration
from nasdsl.network.stack import Auxiliary, PlannedCell, Stack
from nasdsl.network.widths import Widths
from nasdsl.registry import Registry


class Initialisation(NamedTuple):
    """How the first weights of convolutions and fully connected layers are drawn.

    Attributes:
        distribution: `normal` is cut at two standard deviations; `uniform` is within one over
            the square root of the fan-in, as PyTorch draws without being told to, biases too.
        fan: of a normal distribution. `out` counts the weights that read one channel of the
            input, by group; `in` those that make one channel of the output, times the groups.
        factors: their product over the fan is the variance of the normal distribution.
        after: whose rule it is, as the docstring of written source says: "as ENAS does".
    """

    distribution: Literal["normal", "uniform"] = "uniform"
    fan: Literal["in", "out"] = "in"
    factors: tuple[float, ...] = (1.0,)
    after: str = "as PyTorch does"


@dataclass(frozen=True, slots=True)
class Stem:
    """One of a skeleton's stems, and what is meant on it where settings say nothing.

    Attributes:
        N: normal cells between reductions.
        cell_filters: F, the filters of the first cell; `filters` follows from it.
        image_size: pixels.
        classes: width of the last layer.
        drop_path: probability of dropping a path.
        dropout: probability of dropping a feature.
        batch_norm_epsilon: added to the variance.
        batch_norm_momentum: weight of the newest batch; one minus TensorFlow's decay.
        stem_filters: from F to the channels of the first convolution.
        size_after: from the image's pixels a side to those that the first of the planned cells
            sees; less than 1 where nothing is left.
        window: the layer that decides how small an image may be, as a message names it.
        least_cell_filters: the smallest F that leaves every layer of the stem a channel.
        skip_reduction_input: see `Configuration`.
        auxiliary: the auxiliary classifier; None where the networks can have none.
        fixed: settings that do not apply on this stem, each with hints that say why.
        layouts: by the layouts of weights that have such networks, what their tables cannot
            read off the cells: names of a module's tensors by module, and words of their own.
    """

    N: int
    cell_filters: int
    image_size: int
    classes: int
    drop_path: float
    dropout: float
    batch_norm_epsilon: float
    batch_norm_momentum: float
    stem_filters: Callable[[int], int]
    size_after: Callable[[int], int]
    window: str = "3x3 convolution"
    least_cell_filters: int = 1
    skip_reduction_input: bool = False
    auxiliary: Auxiliary | None = None
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    layouts: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A way of stacking cells, and everything that follows from it.

    Attributes:
        name: the entry point's name; `skeleton = NAME` in a text.
        stems: by name, which is `stem = NAME` in a text.
        plan: from a stem's name and N to every cell, in order, stem cells included. From it
            follow the width of the head, the fewest filters, the smallest image, the depth of
            each cell and its place in other implementations.
        plan_of_layers: the same from the number of all cells but those of the stem; None where
            the skeleton has no network for every such number.
        stack: appends stem, cells and classifiers to a network under construction.
        rules: what differs inside cells: how inputs are prepared, what drop path drops, which
            inputs are built though nothing reads them.
        initialisation: how weights are first drawn.
        default_stem: the stem that is meant where none is named.
        cells: the kinds of cell of a genotype that it stacks; it needs each, and ignores every
            other.
        own: cells that it stacks too and brings itself, such as residual blocks between stages:
            a genotype whose cells stand for what `plan` says of their kinds. Pictures have its
            name.
        depth: from a cell's place, counted from 1 with the stem cells, and the number of cells
            to `Module.depth`.
        fixed: settings that do not apply, each with hints that say why.
    """

    name: str
    stems: Mapping[str, Stem]
    plan: Callable[[str, int], tuple[PlannedCell, ...]]
    stack: Callable[[Stack], None]
    rules: CellRules
    initialisation: Initialisation = field(default_factory=Initialisation)
    default_stem: str = "imagenet"
    cells: tuple[CellKind, ...] = ("normal", "reduction")
    own: Genotype | None = None
    depth: Callable[[int, int], float] = truediv
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plan_of_layers: Callable[[str, int], tuple[PlannedCell, ...]] | None = None

    def planned(self, stem: str, N: int | None, layers: int | None) -> tuple[PlannedCell, ...]:
        """Every cell of a network that one of N and `layers` describes."""
        if N is not None:
            return self.plan(stem, N)
        assert self.plan_of_layers is not None, "settings with layers are refused without it"
        assert layers is not None
        return self.plan_of_layers(stem, layers)

    def planned_for(self, configuration: Configuration) -> tuple[PlannedCell, ...]:
        """Every cell of a network."""
        return self.planned(configuration.stem, configuration.N, configuration.layers)

    def widths(self, genotype: Genotype, plan: tuple[PlannedCell, ...]) -> Widths:
        """The widths of the last cell of a plan, which the head reads."""
        last = plan[-1]
        cell = genotype.cell(last.kind)
        assert cell is not None, "settings of a genotype without it are refused"
        return Widths(cell, genotype.vocabulary, last.filters)

    def does_not_apply(self, stem: str) -> dict[str, tuple[str, ...]]:
        """The settings that do not apply on a stem, each with hints that say why."""
        hints = (
            f"N says how many normal cells stand between two reductions of {self.name}",
            "leave layers out, or choose a skeleton that has them, such as `darts`",
        )
        without = {} if self.plan_of_layers else {"layers": hints}
        return {**without, **self.fixed, **self.stems[stem].fixed}


#: The installed skeletons; `nasnet`, `pnasnet`, `amoebanet`, `enas`, `darts` and `nasbench201`
#: are ours.
SKELETONS = cast(Registry[Skeleton], replace(settings.SKELETONS, type=Skeleton))
