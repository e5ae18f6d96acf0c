"""What a caller asks for: a genotype from any source, and settings by keyword.

Purpose: `source_cells`, which reads cells; `source_network`, which completes the settings of their
network once for whoever counts, draws or builds it; and `cost`, the first of them. A training reads
cells first, and asks for their network when it knows its data.
Non-goals: flags of the command line (`nasdsl.cli`); what settings mean together
(`nasdsl.network.complete`).
"""

from dataclasses import dataclass, replace
from typing import Any, Unpack

from nasdsl import library
from nasdsl.errors import CellError, Diagnostic, cell_error, did_you_mean, listed, name_hints
from nasdsl.language.genotype.keywords import SettingsKeywords
from nasdsl.language.genotype.settings import (
    NO_SETTINGS,
    RULES,
    Settings,
    nearest_setting,
)
from nasdsl.language.genotype.types import BlockState, Genotype
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.loading import (
    Analysis,
    NameOrPath,
    analyse,
    genotype_in,
    in_order,
    setting_finding,
    source_of,
)
from nasdsl.network.complete import Completed, complete
from nasdsl.network.configuration import Configuration
from nasdsl.network.cost import Cost, graph_cost
from nasdsl.network.expand import network_graph
from nasdsl.network.graph import NetworkGraph
from nasdsl.values import require_types, shown


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


def cost(
    source: NameOrPath | Genotype, *, ops: str | None = None, **settings: Unpack[SettingsKeywords]
) -> Cost:
    """What a network costs: parameters, mult-adds and activations, without building it.

    Args:
        source: a library name, a path or a genotype.
        ops: another vocabulary of the library for the same cells.
        **settings: network settings by name (`nasdsl.Settings`); they win over the file's.

    Returns:
        Integers `params` (trained), `params_total` (with batch norm's moving statistics),
        `mult_adds` (convolutions and linear layers, one image), `activations` (numbers the
        primitives write for one image); the same by module and by op.

    Raises:
        CellError: the text, the settings or their combination have mistakes.
    """
    require_types(source=(source, NameOrPath | Genotype), ops=(ops, str | None))
    return graph_cost(
        source_network(source, ops=ops, settings=chosen_settings({**settings})).graph()
    )


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


def source_cells(source: NameOrPath | Genotype, *, ops: str | None = None) -> SourceCells:
    """The cells of a source, in another vocabulary if asked.

    Raises:
        CellError: what `load` raises, but for the text's own network, which is not looked at;
            NAS201 and NAS202 for names the vocabulary lacks.
    """
    analysis = None
    if isinstance(source, Genotype):
        own = source
        require_known_names(own)
    else:
        analysis = analyse(source_of(source), network=False)
        own = genotype_in(analysis)
    return SourceCells(
        own if ops is None else in_vocabulary(own, library.vocabulary(ops)), own, analysis
    )


def source_network(
    source: NameOrPath | Genotype, *, ops: str | None = None, settings: Settings = NO_SETTINGS
) -> SourceNetwork:
    """The network of a source, in another vocabulary if asked, with settings put over its own.

    Raises:
        CellError: as `source_cells` and `SourceCells.network` do.
    """
    return source_cells(source, ops=ops).network(settings)


def require_known_names(genotype: Genotype) -> None:
    """Refuse a genotype that was made in Python with names that mean nothing.

    Raises:
        CellError: NAS201 to NAS204 for ops, combines and states, NAS305 for outputs.
    """
    found: list[Diagnostic] = []
    vocabulary = genotype.vocabulary
    for cell in genotype.cells:
        made: set[str] = set()
        for block in cell.blocks:
            where = f"block `{block.name}` of the {cell.kind} cell"
            for op in block.ops:
                if op not in vocabulary.op:
                    hints = name_hints(op, vocabulary.op, f"the ops are {listed(vocabulary.op)}")
                    found.append(Diagnostic("NAS201", f"unknown op `{op}` in {where}", hints=hints))
            if block.combine not in vocabulary.combine:
                combines = vocabulary.combine
                hints = name_hints(block.combine, combines, f"the combines are {listed(combines)}")
                message = f"unknown combine `{block.combine}` in {where}"
                found.append(Diagnostic("NAS202", message, hints=hints))
            for state in block.inputs:
                if isinstance(state, BlockState) and state.name not in made:
                    message = f"{where} reads `{state}`, which is not a block before it"
                    found.append(Diagnostic("NAS203", message))
            made.add(block.name)
        for state in cell.output.states:
            if isinstance(state, BlockState) and state.name not in made:
                output = f"the output of the {cell.kind} cell"
                message = f"{output} names `{state}`, which is not a block of it"
                found.append(Diagnostic("NAS305", message))
    if found:
        raise CellError(tuple(found))


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


def chosen_settings(values: dict[str, object]) -> Settings:
    """Settings from keyword arguments; None leaves a setting as it is.

    Raises:
        CellError: every unknown setting (NAS501) and illegal value (NAS502), at once.
    """
    findings: list[Diagnostic] = []
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in RULES:
            guess = nearest_setting(name)
            hint = did_you_mean(guess) if guess else f"the settings are {listed(RULES)}"
            findings.append(
                Diagnostic("NAS501", f"unknown network setting `{name}`", hints=(hint,))
            )
        elif value is not None:
            chosen[name] = RULES[name].legal(value)
            if chosen[name] is None:
                wants = RULES[name].description
                findings.append(Diagnostic("NAS502", f"{name} is {wants}, not {shown(value)}"))
    if findings:
        raise CellError(tuple(findings))
    return Settings(**chosen)


def in_vocabulary(genotype: Genotype, other: Vocabulary) -> Genotype:
    """The same cells, their names read in another vocabulary.

    What the genotype's own file defines keeps its meaning, as it would had the file named
    that vocabulary.

    Raises:
        CellError: NAS201 or NAS202 for the names it does not have.
    """
    own = genotype.vocabulary
    ops = {**other.op, **{name: own.op[name] for name in own.local if name in own.op}}
    combines = {
        **other.combine,
        **{name: own.combine[name] for name in own.local if name in own.combine},
    }
    blocks = [block for cell in genotype.cells for block in cell.blocks]
    for code, kind, used, known in (
        ("NAS201", "op", {op for block in blocks for op in block.ops}, ops),
        ("NAS202", "combine", {block.combine for block in blocks}, combines),
    ):
        missing = sorted(used - set(known))
        if missing:
            raise cell_error(
                code,
                f"the vocabulary `{other.name}` has no {kind} {listed(missing, 'or')}",
                f"its {kind}s are {listed(known)}",
            )
    vocabulary = Vocabulary(other.name, tuple(ops.values()), tuple(combines.values()), own.local)
    return replace(genotype, vocabulary=vocabulary)
