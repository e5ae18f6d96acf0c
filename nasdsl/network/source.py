"""Cells from a source, and the network that is asked for around them.

Purpose: `SourceCells.network`, which completes the settings once for whoever counts, draws, builds
or trains the network, and shows mistakes at their place in the text.
Non-goals: reading the cells (`nasdsl.loading.cells`); what settings mean together
(`nasdsl.network.complete`).
"""

from dataclasses import dataclass

from nasdsl.errors import CellError, Diagnostic
from nasdsl.language.analysis import Analysis, in_order, setting_finding
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.complete import Completed, complete
from nasdsl.network.configuration import Configuration
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import NetworkGraph


@dataclass(frozen=True, slots=True)
class SourceNetwork:
    """A network that was asked for, and can be built as far as settings go.

    Attributes:
        genotype: the cells, with the settings that were asked for.
        configuration: those settings with every choice made.
        warnings: what is worth knowing about the text and the settings.
    """

    genotype: Genotype
    configuration: Configuration
    warnings: tuple[Diagnostic, ...] = ()

    def graph(self) -> NetworkGraph:
        """The network's graph, expanded anew at each call.

        Raises:
            CellError: NAS308 and NAS309, as `network_graph` does.
        """
        return network_graph(self.genotype, self.configuration)


@dataclass(frozen=True, slots=True)
class SourceCells:
    """Cells that were asked for, before their network is.

    Attributes:
        genotype: the cells, in the vocabulary that was asked for, with the settings of their
            text.
        own: the same in the vocabulary of their text.
        analysis: of that text; None where a genotype was given.
    """

    genotype: Genotype
    own: Genotype
    analysis: Analysis | None = None

    def network(self, settings: Settings) -> SourceNetwork:
        """The network with `settings` put over the text's own, completed once.

        Raises:
            CellError: what `complete` finds wrong with the settings, and what is wrong with the
                text; at its place, where the text makes the mistake by itself.
        """
        wanted = self.genotype.with_settings(self.genotype.settings.override(settings))
        completed = complete(wanted)
        found = _findings(completed, self.analysis, of_text=wanted == self.own)
        if completed.configuration is not None:
            return SourceNetwork(wanted, completed.configuration, found)
        text = self.analysis
        if text is not None and text.resolution.settings and wanted != self.own:
            # A mistake that no flag replaces is shown in the text.
            alone = complete(self.own)
            if any(each.is_error and name not in settings.given() for name, each in alone.findings):
                found = _findings(alone, text, of_text=True)
        raise CellError(found)


def _findings(
    completed: Completed, analysis: Analysis | None, *, of_text: bool
) -> tuple[Diagnostic, ...]:
    """All findings; those about the network of the text itself have their places."""
    if analysis is None:
        return tuple(found for _, found in completed.findings)
    resolution = analysis.resolution
    here = of_text and bool(resolution.settings)
    about = [
        setting_finding(found, setting, resolution) if here else found
        for setting, found in completed.findings
    ]
    return in_order(analysis.parsed.source, (*analysis.diagnostics, *about))
