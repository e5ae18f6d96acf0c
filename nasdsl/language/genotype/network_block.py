"""The `network { ... }` block: settings, and where its cells come from.

Purpose: findings 5xx about the block as it is written.
Non-goals: what settings mean together (`nasdsl.network.complete`).
"""

from dataclasses import dataclass
from typing import Any

from nasdsl.errors import CellError, Label, Span, listed, nearest
from nasdsl.language import tree
from nasdsl.language.genotype.catalogue import Catalogue, report_unusable
from nasdsl.language.genotype.findings import Findings, is_already_reported
from nasdsl.language.genotype.settings import (
    DEFAULT_SKELETON,
    RULES,
    Settings,
    conflicting_settings,
    nearest_setting,
    stem_names,
)
from nasdsl.language.genotype.types import Space


@dataclass(frozen=True, slots=True)
class ResolvedNetwork:
    """Settings, the space that `genotype = NAME` names, and where each value stands."""

    settings: Settings
    base: Space | None
    places: dict[str, Span]


def resolved_network(
    items: tuple[tree.Item, ...], catalogue: Catalogue, findings: Findings, *, whole: bool
) -> ResolvedNetwork:
    """The network a file describes; nothing chosen where it has no `network` block.

    Args:
        items: the items of the file.
        catalogue: where `genotype = NAME` is looked up.
        findings: where mistakes go.
        whole: whether all of the file could be read, so that what is missing is missing.
    """
    blocks = [item for item in items if isinstance(item, tree.Network)]
    values: dict[str, Any] = {}
    places: dict[str, tree.Setting] = {}
    base = None
    for extra in blocks[1:]:
        findings.add(
            "NAS108",
            extra.span,
            "the file has two networks",
            label="a second `network`",
            secondary=(Label(blocks[0].span, "the first is here"),),
        )
    for setting in blocks[0].settings if blocks else ():
        name = setting.name.text
        if is_already_reported(setting.name) or is_already_reported(setting.value):
            continue
        if name in places:
            _set_twice(findings, setting, places[name])
            continue
        places[name] = setting
        if name == "genotype":
            base = _base_space(findings, setting, catalogue)
        elif name not in RULES:
            _unknown_setting(findings, setting)
        elif name != "stem":
            values[name] = _setting_value(findings, setting)
    if "stem" in places:
        # It may stand before the skeleton that says which stems there are.
        wrong = "skeleton" in places and not values.get("skeleton")
        of_base = base.settings.skeleton if base else None
        skeleton = values.get("skeleton") or of_base or DEFAULT_SKELETON
        values["stem"] = None if wrong else _stem(findings, places["stem"], skeleton)
    if blocks:
        cells = [item for item in items if isinstance(item, tree.Cell)]
        genotype = places.get("genotype")
        if genotype is not None and cells:
            _refuse_two_sources(findings, genotype, cells[0])
        if genotype is None and not cells and whole:
            _refuse_no_cells(findings, blocks[0])
    settings = Settings(**values)
    for one, other, text in conflicting_settings(settings):
        first, second = sorted((places[one], places[other]), key=lambda each: each.span)
        findings.add(
            "NAS505",
            second.name.span,
            text,
            label="said again here",
            secondary=(Label(first.name.span, "first said here"),),
            hints=("leave one of them out",),
        )
    spans = {name: setting.value.span for name, setting in places.items()}
    return ResolvedNetwork(settings, base, spans)


def _refuse_two_sources(findings: Findings, genotype: tree.Setting, cell: tree.Cell) -> None:
    findings.add(
        "NAS506",
        genotype.span,
        "the network names a genotype, but the file also has cells",
        label="remove this, or the cells",
        secondary=(Label(cell.kind.span, "a cell of the file"),),
    )


def _refuse_no_cells(findings: Findings, network: tree.Network) -> None:
    findings.add(
        "NAS506",
        network.span,
        "the network has no cells to stack",
        label="no cells in this file",
        hints=("write `genotype = nasnet_a` in it, or cells above it",),
    )


def _base_space(findings: Findings, setting: tree.Setting, catalogue: Catalogue) -> Space | None:
    name = setting.value
    space = catalogue.space(name.text)
    if space is None:
        known, why = catalogue.space_names(), catalogue.why_not(name.text)
        report_unusable(findings, "NAS213", "genotype", name, known, why)
    return space


def _setting_value(findings: Findings, setting: tree.Setting) -> Any:
    value = RULES[setting.name.text].legal(setting.value.text)
    if value is None:
        rule = RULES[setting.name.text]
        _illegal(findings, setting, rule.words, rule.description)
    return value


def _stem(findings: Findings, setting: tree.Setting, skeleton: str) -> str | None:
    """The stem, where the skeleton has it."""
    try:
        words = stem_names(skeleton)
    except CellError as error:
        (found,) = error.diagnostics
        findings.add(found.code, setting.value.span, found.message, hints=found.hints)
        return None
    if setting.value.text in words:
        return setting.value.text
    _illegal(findings, setting, words, listed(words, "or"))
    return None


def _illegal(findings: Findings, setting: tree.Setting, words: tuple[str, ...], wants: str) -> None:
    findings.add_misspelt(
        "NAS502",
        setting.value.span,
        f"`{setting.name.text}` cannot be `{setting.value.text[:40]}`",
        nearest(setting.value.text, words),
        label=f"expected {wants}",
    )


def _set_twice(findings: Findings, setting: tree.Setting, first: tree.Setting) -> None:
    findings.add(
        "NAS505",
        setting.name.span,
        f"`{setting.name.text}` is set twice",
        label="set again here",
        secondary=(Label(first.span, "first set here"),),
    )


def _unknown_setting(findings: Findings, setting: tree.Setting) -> None:
    name = setting.name
    findings.add_misspelt(
        "NAS501",
        name.span,
        f"unknown network setting `{name.text[:60]}`",
        nearest_setting(name.text, ["genotype"]),
        label="not a setting",
        otherwise=f"the settings are {listed(['genotype', *RULES])}",
    )
