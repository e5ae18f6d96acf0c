"""The network that a search builds around a genotype's cells, and limits on its size.

Evaluators and limits build and count the same network. The paper's children have N = 2 and
32 filters in the first cell. The width of the first cell is what is fixed, because the
penultimate layer's (`filters`) follows from how many states a cell passes on, which differs
from member to member. Limits (`--max-params`, `--max-mult-adds`) are decided by the cost model
in a millisecond, before anything trains.
"""

from dataclasses import dataclass, replace

from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.settings import (
    DEFAULT_SKELETON,
    NO_SETTINGS,
    RULES,
    SKELETONS,
    Settings,
    stem_names,
)
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.complete import penultimate_filters
from nasdsl.network.cost import genotype_cost
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
        settings: they win over those in the space's text.
        cell_filters: of the first cell; settings that say how wide the network is win over it.
        base: settings that the text's win over.
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
            # None where the settings have mistakes: whoever builds the network says so.
            filters = penultimate_filters(genotype.with_settings(settings), self.cell_filters)
            settings = replace(settings, filters=filters)
        return genotype.with_settings(settings)


def child_of(options: dict[str, str]) -> Child:
    """The child that an evaluator's options ask for; they are taken out of `options`.

    Raises:
        CellError: NAS502 for a value a setting cannot have.
    """
    width = _legal(CELL_FILTERS, "filters", options.pop(CELL_FILTERS, str(_PAPER_CELL_FILTERS)))
    assert isinstance(width, int)
    given = {name: _legal(name, name, options.pop(name)) for name in RULES if name in options}
    return Child(Settings(**given), width)  # type: ignore[arg-type]


def _legal(name: str, setting: str, text: str) -> Value:
    value: Value | None = RULES[setting].legal(text)
    if value is None:
        raise cell_error("NAS502", f"{name} is {RULES[setting].description}, not {text!r:.40}")
    return value


def limit_for(
    evaluator: Evaluator, *, max_params: int | None = None, max_mult_adds: int | None = None
) -> Limit | None:
    """Why a genotype is beyond the limits, as a function; None where there are no limits.

    Args:
        evaluator: whose children are counted. One that builds none is taken to mean those of
            `nasdsl.search.child`.
        max_params: trained parameters.
        max_mult_adds: multiply-adds of the convolutions and linear layers for one image.
    """
    limits = {
        name: most
        for name, most in (("params", max_params), ("mult_adds", max_mult_adds))
        if most is not None
    }
    child = getattr(evaluator, "child", Child())

    def why(genotype: Genotype) -> str | None:
        try:
            cost = genotype_cost(child.network(genotype))
        except CellError as error:
            return str(error.diagnostics[0].message)
        for name, most in limits.items():
            count = getattr(cost, name)
            if count > most:
                return f"{count:,} {name.replace('_', '-')}, more than {most:,}"
        return None

    return why if limits else None
