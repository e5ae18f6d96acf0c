"""Findings as text: for people, scripts, GitHub and code scanners.

Purpose: pure functions from diagnostics to a string, one module a format, each imported
when it is first used.
Non-goals: finding anything wrong, writing anything anywhere, choosing a format.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasdsl.report.github import as_github
    from nasdsl.report.machine import as_json
    from nasdsl.report.sarif import as_sarif
    from nasdsl.report.text import as_text

__all__ = ["as_github", "as_json", "as_sarif", "as_text"]

_HOMES = {"as_github": "github", "as_json": "machine", "as_sarif": "sarif", "as_text": "text"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nasdsl.report' has no attribute {name!r}")
    return getattr(import_module(f"nasdsl.report.{_HOMES[name]}"), name)
