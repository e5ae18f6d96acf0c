"""From settings to a configuration: every choice is made here, once.

Purpose: `complete`, whose result everything that follows reads, and `configuration_of`, which
raises where that result has errors.
Non-goals: what is wrong with choices (`nasdsl.network.findings`).
"""

from dataclasses import dataclass
from typing import TypeVar

from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.configuration import Configuration
from nasdsl.network.findings import (
    Finding,
    NetworkChoices,
    choices_of,
    findings_about,
    findings_without_widths,
)

_T = TypeVar("_T")

__all__ = ["Completed", "Finding", "complete", "configuration_of", "findings_of_all"]


@dataclass(frozen=True, slots=True)
class Completed:
    """What settings come to.

    Attributes:
        configuration: every choice; None where a finding is an error.
        findings: what is wrong or worth knowing, each with the setting to look at.
    """

    configuration: Configuration | None
    findings: tuple[Finding, ...]


def complete(genotype: Genotype, settings: Settings | None = None) -> Completed:
    """The settings of a genotype with every choice made; `settings` win over its own.

    Findings are NAS304 (a cell is missing), NAS502 (a setting has an illegal value or does not
    apply), NAS503 (filters do not divide), NAS504 (the image is too small), NAS505 (two settings
    say the same), NAS506 (no cells) and NAS507 (a cell is not stacked).
    """
    if settings is not None:
        genotype = genotype.with_settings(genotype.settings.override(settings))
    choices = choices_of(genotype)
    if not isinstance(choices, NetworkChoices):
        return Completed(None, choices)
    findings = findings_about(choices)
    wrong = any(found.is_error for _, found in findings)
    return Completed(None if wrong else _configuration(choices), findings)


def findings_of_all(member: Genotype) -> tuple[Finding, ...]:
    """What `complete` finds for every member of the space that this one is from."""
    choices = choices_of(member)
    return findings_without_widths(choices) if isinstance(choices, NetworkChoices) else choices


def configuration_of(genotype: Genotype, settings: Settings | None = None) -> Configuration:
    """The settings of a genotype with every choice made; `settings` win over its own.

    Raises:
        CellError: with everything that `complete` finds, where an error is among it.
    """
    completed = complete(genotype, settings)
    if completed.configuration is None:
        raise CellError(tuple(found for _, found in completed.findings))
    return completed.configuration


def _configuration(choices: NetworkChoices) -> Configuration:
    given, stem = choices.settings, choices.stem
    cell_filters = given.cell_filters or stem.cell_filters
    if given.filters is not None:
        found = choices.widths.cell_filters(given.filters)
        assert found is not None, "findings_about refuses these"
        cell_filters = found
    return Configuration(
        name=choices.skeleton.name,
        stem=choices.stem_name,
        N=choices.N,
        filters=choices.widths.penultimate(cell_filters),
        cell_filters=cell_filters,
        image_size=choices.image_size,
        classes=_either(given.classes, stem.classes),
        input_channels=_either(given.input_channels, 3),
        stem_filters=_either(given.stem_filters, stem.stem_filters(cell_filters)),
        skip_reduction_input=_either(given.skip_reduction_input, stem.skip_reduction_input),
        auxiliary=bool(given.auxiliary),
        drop_path=_either(given.drop_path, stem.drop_path),
        dropout=_either(given.dropout, stem.dropout),
        batch_norm_epsilon=_either(given.batch_norm_epsilon, stem.batch_norm_epsilon),
        batch_norm_momentum=_either(given.batch_norm_momentum, stem.batch_norm_momentum),
        layers=given.layers,
    )


def _either(given: _T | None, otherwise: _T) -> _T:
    return otherwise if given is None else given
