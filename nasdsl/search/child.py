"""The network that a search builds around a genotype's cells, and limits on its size.

Evaluators and limits build and count the same network. Children have
N = 2, as in the paper (Zoph et al. 2018, appendix A.6), and 32 filters in the first cell, as in
slim. The width of the first cell is what is fixed, because the
penultimate layer's (`filters`) follows from how many states a cell passes on, which differs
from member to member. Limits (`--max-params`, `--max-mult-adds`) are decided by the cost model
in a millisecond, before anything trains.
"""

from dataclasses import dataclass, replace

from nasdsl.errors import CellError, Source, cell_error
from nasdsl.language.genotype.settings import (
    DEFAULT_SKELETON,
    NO_SETTINGS,
    RULES,
    SKELETONS,
    Settings,
    stem_names,
)
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import analyse, genotype_in
from nasdsl.network.cost import graph_cost
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import NetworkGraph
from nasdsl.search.protocol import Evaluator
from nasdsl.search.settings import Limit
from nasdsl.values import Value

#: The option that fixes the width of the first cell.
CELL_FILTERS = "cell_filters"
_PAPER_N, _PAPER_CELL_FILTERS = 2, 32


@dataclass(frozen=True, slots=True)
class Child:
    """How children are built.

    Attributes:
        settings: take precedence over those in the space's text.
        cell_filters: width of the first cell, unless the settings fix the width.
        base: settings that those in the space's text take precedence over.
    """

    settings: Settings = NO_SETTINGS
    cell_filters: int = _PAPER_CELL_FILTERS
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
            settings = replace(settings, cell_filters=self.cell_filters)
        return genotype.with_settings(settings)

    def graph(self, genotype: Genotype) -> NetworkGraph:
        """The child's network: settings are completed and cells expanded here, once.

        Raises:
            CellError: the network cannot be built; see `network_graph`.
        """
        return network_graph(self.network(genotype))


def genotype_of_text(text: str) -> Genotype:
    """The genotype of a `.cell` text whose settings are yet to be completed by a child's.

    Raises:
        CellError: the text has mistakes other than those of its settings.
    """
    return genotype_in(analyse(Source("<text>", text), network=False))


def child_from_options(options: dict[str, str]) -> Child:
    """The child that an evaluator's options describe; they are removed from `options`.

    Raises:
        CellError: NAS502 for a value that a setting cannot have.
    """
    width = _setting_value(
        CELL_FILTERS, "filters", options.pop(CELL_FILTERS, str(_PAPER_CELL_FILTERS))
    )
    assert isinstance(width, int)
    given = {
        name: _setting_value(name, name, options.pop(name)) for name in RULES if name in options
    }
    return Child(Settings(**given), width)  # type: ignore[arg-type]


def _setting_value(name: str, setting: str, text: str) -> Value:
    value: Value | None = RULES[setting].legal(text)
    if value is None:
        raise cell_error("NAS502", f"{name} is {RULES[setting].description}, not {text!r:.40}")
    return value


def _words(child: Child) -> str:
    """How children are built, in words."""
    return f"N = {_PAPER_N} with {child.cell_filters} filters in the first cell"


def limit_for(
    evaluator: Evaluator, *, max_params: int | None = None, max_mult_adds: int | None = None
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
    own: Child | None = getattr(evaluator, "child", None)
    child = own or Child()
    # An evaluator that says nothing of its networks may build others than are counted here.
    where = "" if own else f" in a network of {_words(child)}"

    def why(genotype: Genotype) -> str | None:
        try:
            cost = graph_cost(child.graph(genotype))
        except CellError as error:
            return str(error.diagnostics[0].message)
        for name, limit in limits.items():
            count = getattr(cost, name)
            if count > limit:
                return f"{count:,} {name.replace('_', '-')}{where}, more than {limit:,}"
        return None

    return why if limits else None
