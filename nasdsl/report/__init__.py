"""Findings as text: for people, scripts, GitHub and code scanners.

Purpose: pure functions from diagnostics to a string, one module a format.
Non-goals: finding anything wrong, writing anything anywhere, choosing a format.
"""

from nasdsl.report.github import as_github
from nasdsl.report.machine import as_json
from nasdsl.report.sarif import as_sarif
from nasdsl.report.text import as_text

__all__ = ["as_github", "as_json", "as_sarif", "as_text"]
