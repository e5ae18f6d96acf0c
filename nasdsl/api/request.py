"""What a caller asks for: a network of any source, with settings by keyword.

Purpose: `source_network` for whoever builds, draws or counts a network, and `cost`, the first of
them. A training reads cells first, and asks for their network when it knows its data.
Non-goals: flags of the command line (`nasdsl.cli`).
"""

from collections.abc import Callable, Iterable
from functools import cache
from inspect import signature
from typing import Any, Unpack

from nasdsl.errors import CellError, Diagnostic, did_you_mean, listed
from nasdsl.language.genotype.keywords import SettingsKeywords
from nasdsl.language.genotype.settings import (
    NO_SETTINGS,
    RULES,
    Settings,
    nearest_setting,
)
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading import NameOrPath
from nasdsl.loading.cells import source_cells
from nasdsl.network.cost import Cost, graph_cost
from nasdsl.network.source import SourceNetwork
from nasdsl.values import require_types, shown

#: What looks like a setting of a network, and is said to another function.
ELSEWHERE = {
    **dict.fromkeys(
        ("weights", "layout", "drop_background", "pretrained", "checkpoint"),
        "load weights into the network: `nasdsl.weights.load(net, FILE)`",
    ),
    **dict.fromkeys(
        ("optimize", "calibration"), "optimise the network: `nasdsl.optimize(net, ...)`"
    ),
    **dict.fromkeys(
        ("out", "path", "dynamic_size"), "write the network: `nasdsl.export.write(net, FILE)`"
    ),
    "preset": "a preset is a source: `nasdsl.compile('nasnet_a_large')`",
}


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
    chosen = chosen_settings({**settings}, keywords_of(cost))
    return graph_cost(source_network(source, ops=ops, settings=chosen).graph())


def source_network(
    source: NameOrPath | Genotype, *, ops: str | None = None, settings: Settings = NO_SETTINGS
) -> SourceNetwork:
    """The network of a source, in another vocabulary if asked, with settings put over its own.

    Raises:
        CellError: as `source_cells` and `SourceCells.network` do.
    """
    return source_cells(source, ops=ops).network(settings)


def chosen_settings(values: dict[str, object], others: Iterable[str] = ()) -> Settings:
    """Settings from keyword arguments; None leaves a setting as it is.

    Args:
        values: by name.
        others: what else the caller takes by keyword, of which one may be misspelt.

    Raises:
        CellError: every unknown setting (NAS501) and illegal value (NAS502), at once.
    """
    findings: list[Diagnostic] = []
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in RULES:
            findings.append(unknown_keyword(name, others))
        elif value is not None:
            chosen[name] = RULES[name].legal(value)
            if chosen[name] is None:
                wants = RULES[name].description
                findings.append(Diagnostic("NAS502", f"{name} is {wants}, not {shown(value)}"))
    if findings:
        raise CellError(tuple(findings))
    return Settings(**chosen)


@cache
def keywords_of(function: Callable[..., object]) -> tuple[str, ...]:
    """What a function takes by keyword, besides settings."""
    found = signature(function).parameters.values()
    return tuple(each.name for each in found if each.kind is each.KEYWORD_ONLY)


def unknown_keyword(name: str, others: Iterable[str] = ()) -> Diagnostic:
    """NAS501: a keyword is neither a setting nor one of `others`, and what is meant by it."""
    if (guess := nearest_setting(name, others)) and name not in ELSEWHERE:
        hint = did_you_mean(guess)
    else:
        hint = ELSEWHERE.get(name) or f"there are {listed(dict.fromkeys([*others, *RULES]))}"
    return Diagnostic("NAS501", f"unknown network setting or option `{name}`", hints=(hint,))
