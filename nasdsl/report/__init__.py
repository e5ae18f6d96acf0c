"""Findings as text: for people, scripts, GitHub and code scanners.

Functions from diagnostics to a string, one module a format, each imported when it is first used.
"""

from nasdsl.public_names import attached

__getattr__, __dir__, __all__ = attached(__name__, __file__)
