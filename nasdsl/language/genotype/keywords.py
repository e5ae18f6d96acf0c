"""Network settings as keyword arguments, for type checkers and editors.

Purpose: `cost(source, filterz=3)` fails a type checker, and editors complete the names.
Non-goals: legal values (`nasdsl.language.genotype.settings`), which `tests/test_settings.py`
compares with these names and types.
"""

from typing import TypedDict


class SettingsKeywords(TypedDict, total=False):
    """The settings of `nasdsl.Settings`; None leaves a choice to the source or the default."""

    skeleton: str | None
    stem: str | None
    N: int | None
    layers: int | None
    filters: int | None
    cell_filters: int | None
    image_size: int | None
    classes: int | None
    input_channels: int | None
    stem_filters: int | None
    skip_reduction_input: bool | None
    auxiliary: bool | None
    drop_path: float | None
    dropout: float | None
    batch_norm_epsilon: float | None
    batch_norm_momentum: float | None
