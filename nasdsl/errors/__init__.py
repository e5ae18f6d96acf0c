"""Diagnostics: the lowest layer, data only. Every other layer may import it."""

from nasdsl.errors.codes import CODES, Code
from nasdsl.errors.diagnostic import (
    CellError,
    Diagnostic,
    Fix,
    Label,
    Position,
    Source,
    Span,
    cell_error,
)
from nasdsl.errors.hints import (
    did_you_mean,
    first_line,
    install_hint,
    listed,
    name_hints,
    nearest,
    plural,
)

__all__ = [
    "CODES",
    "CellError",
    "Code",
    "Diagnostic",
    "Fix",
    "Label",
    "Position",
    "Source",
    "Span",
    "cell_error",
    "did_you_mean",
    "first_line",
    "install_hint",
    "listed",
    "name_hints",
    "nearest",
    "plural",
]
