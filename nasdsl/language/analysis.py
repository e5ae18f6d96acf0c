"""`Analysis`: a text, what it means, and every finding about it.

Purpose: what `nasdsl.loading` makes of a text, and the places of findings in it.
Non-goals: finding (`nasdsl.language.validator`, `nasdsl.network.findings`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nasdsl.errors import Diagnostic, Source, Span
from nasdsl.language.genotype.resolve import Resolution
from nasdsl.language.genotype.types import Space
from nasdsl.language.parser import Parsed


@dataclass(frozen=True, slots=True)
class Analysis:
    """A text, what it means, and every finding about it, in the order of the text."""

    parsed: Parsed
    resolution: Resolution
    diagnostics: tuple[Diagnostic, ...]

    @property
    def space(self) -> Space | None:
        """The genotype or space, or None where there are errors or the text is a vocabulary."""
        return None if any(found.is_error for found in self.diagnostics) else self.resolution.space


def in_order(source: Source, findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in the order of the text; last those without a place in it."""
    end = Span(len(source.text), len(source.text))
    return tuple(sorted(findings, key=lambda found: found.span or end))


def setting_finding(found: Diagnostic, setting: str, resolution: Resolution) -> Diagnostic:
    """A finding about a setting, at the place in the text that the setting has."""
    return replace(found, source=resolution.parsed.source, span=resolution.settings.get(setting))
