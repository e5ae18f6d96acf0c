"""The network that a search builds around a genotype's cells, and limits on its size.

Evaluators and limits build and count the same network. Children have
N = 2, as in the paper (Zoph et al. 2018, appendix A.6), and 32 filters in the first cell, as in
slim. The width of the first cell is what is fixed, because the
penultimate layer's (`filters`) follows from how many states a cell passes on, which differs
from member to member. Limits (`--max-params`, `--max-mult-adds`) are decided by the cost model
in a millisecond, before anything trains.
"""

from dataclasses import dataclass, replace
from typing import Any

from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.settings import (
    DEFAULT_SKELETON,
    NO_SETTINGS,
    RULES,
    SKELETONS,
    Settings,
    stem_names,
)
from nasdsl.language.genotype.types import Genotype, Space
from nasdsl.network.cost import graph_cost
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import NetworkGraph
from nasdsl.search.protocol import Evaluator
from nasdsl.search.settings import Limit
from nasdsl.space import sample
from nasdsl.values import Count, Value, typed

#: The option that fixes the width of the first cell.
CELL_FILTERS = "cell_filters"
_PAPER_N, _PAPER_CELL_FILTERS = 2, 32


@dataclass(frozen=True, slots=True)
class Child:
    """How children are built.

    Attributes:
        settings: take precedence over those in the space's text.
        cell_filters: width of the first cell, unless the settings fix the width; None for 32.
        base: settings that those in the space's text take precedence over.
    """

    settings: Settings = NO_SETTINGS
    cell_filters: int | None = None
    base: Settings = NO_SETTINGS

    def network(self, genotype: Genotype) -> Genotype:
        """The genotype with all settings of the child's network."""
        chosen = genotype.settings.override(self.settings)
        base = self.base
        skeleton = chosen.skeleton or DEFAULT_SKELETON
        if base.stem and skeleton in SKELETONS and base.stem not in stem_names(skeleton):
            # The data suggest a stem, and a skeleton with other stems keeps its own.
            base = replace(base, stem=None)
        settings = Settings(N=_PAPER_N).override(base).override(chosen)
        if settings.filters is None and settings.cell_filters is None:
            settings = replace(settings, cell_filters=self.cell_filters or _PAPER_CELL_FILTERS)
        return genotype.with_settings(settings)

    def description(self, graph: NetworkGraph) -> str:
        """The settings that a child's network has, in words; whichever place they come from."""
        network = graph.configuration
        depth = f"layers = {network.layers}" if network.N is None else f"N = {network.N}"
        return (
            f"a network of {depth}, {network.cell_filters} filters in the first cell, stem "
            f"{network.stem}, images of {network.image_size} pixels"
        )

    def beaten(self, genotype: Genotype) -> str | None:
        """The option that has no effect because the text of the space has its own, in words."""
        if self.cell_filters is None or self.settings.filters is not None:
            return None
        for name in ("filters", CELL_FILTERS):
            own = getattr(genotype.settings, name)
            if own is not None:
                return (
                    f"the space's own {name} = {own} takes the place of the option "
                    f"{CELL_FILTERS}={self.cell_filters}"
                )
        return None

    def graph(self, genotype: Genotype) -> NetworkGraph:
        """The child's network: settings are completed and cells expanded here, once.

        Raises:
            CellError: the network cannot be built; see `network_graph`.
        """
        return network_graph(self.network(genotype))


def child_from_options(options: dict[str, str]) -> Child:
    """The child that an evaluator's options describe; they are removed from `options`.

    Raises:
        CellError: NAS502 for a value that a setting cannot have.
    """
    width: Any = None
    if CELL_FILTERS in options:
        width = _setting_value(CELL_FILTERS, "filters", options.pop(CELL_FILTERS))
    given = {
        name: _setting_value(name, name, options.pop(name)) for name in RULES if name in options
    }
    return Child(Settings(**given), width)  # type: ignore[arg-type]


def _setting_value(name: str, setting: str, text: str) -> Value:
    value: Value | None = RULES[setting].legal(text)
    if value is None:
        raise cell_error("NAS502", f"{name} is {RULES[setting].description}, not {text!r:.40}")
    return value


@typed
def limit_for(
    evaluator: Evaluator, *, max_params: Count | None = None, max_mult_adds: Count | None = None
) -> Limit | None:
    """A function that says why a genotype exceeds the limits; None where there are no limits.

    Args:
        evaluator: its children are counted; for one that builds none, the default `Child`.
        max_params: trained parameters.
        max_mult_adds: multiply-adds of the convolutions and linear layers for one image.
    """
    limits = {
        name: limit
        for name, limit in (("params", max_params), ("mult_adds", max_mult_adds))
        if limit is not None
    }
    # An evaluator that says nothing of its networks may build others than are counted here.
    child: Child = getattr(evaluator, "child", None) or Child()

    def why(genotype: Genotype) -> str | None:
        try:
            graph = child.graph(genotype)
        except CellError as error:
            return str(error.diagnostics[0].message)
        cost = graph_cost(graph)
        for name, limit in limits.items():
            count = getattr(cost, name)
            if count > limit:
                counted = f"{count:,} {name.replace('_', '-')} in {child.description(graph)}"
                return f"{counted}; more than {limit:,}"
        return None

    return why if limits else None


def trial_words(evaluator: Evaluator, space: Space) -> str:
    """What a trial of a search is: the network of a member drawn at random, and what is done.

    Empty for an evaluator that builds no children, or that cannot build this one.
    """
    child: Child | None = getattr(evaluator, "child", None)
    if child is None:
        return ""
    (member,) = sample(space, 1, seed=0)
    try:
        graph = child.graph(member)
    except CellError:
        return ""
    cost = graph_cost(graph)
    work = getattr(evaluator, "work", "scores")
    words = (
        f"each trial {work} {child.description(graph)}; one drawn at random has "
        f"{cost.params:,} parameters and {cost.mult_adds:,} mult-adds"
    )
    beaten = child.beaten(member)
    return f"{words}\nnote: {beaten}" if beaten else words
