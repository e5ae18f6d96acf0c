"""Findings as text: for people, scripts, GitHub and code scanners.

Functions from diagnostics to a string, one module a format, each imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
