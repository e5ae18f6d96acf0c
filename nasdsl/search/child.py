"""The network that a search builds around a genotype's cells.

Purpose: one answer for everything that builds or counts children: evaluators and limits. The
paper's children have N = 2 and 32 filters in the first cell (Zoph et al. 2018, appendix A.1).
The width of the first cell is what is fixed, because the penultimate layer's (`filters`)
follows from how many states a cell passes on, which differs from member to member.
Non-goals: what to do with the network.
"""

from dataclasses import dataclass, replace

from nasdsl.errors import cell_error
from nasdsl.language.genotype.settings import NO_SETTINGS, RULES, Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.choices import normal_widths
from nasdsl.values import Value

#: The option that fixes the width of the first cell.
CELL_FILTERS = "cell_filters"
_PAPER_N, _PAPER_CELL_FILTERS = 2, 32


@dataclass(frozen=True, slots=True)
class Child:
    """How children are built.

    Attributes:
        settings: they win over those in the space's text.
        cell_filters: of the first cell; settings that have `filters` win over it.
        base: settings that the text's win over.
    """

    settings: Settings = NO_SETTINGS
    cell_filters: int = _PAPER_CELL_FILTERS
    base: Settings = NO_SETTINGS

    def network(self, genotype: Genotype) -> Genotype:
        """The genotype with all settings of the child's network."""
        paper = Settings(N=_PAPER_N).override(self.base)
        settings = paper.override(genotype.settings).override(self.settings)
        # Without a normal cell there is no width, and whoever builds the network says so.
        if settings.filters is None and genotype.cell("normal") is not None:
            filters = normal_widths(genotype).penultimate(self.cell_filters)
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
