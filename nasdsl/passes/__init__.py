"""Passes: valid graph in, valid graph out, the same function, one pass a file."""

from nasdsl.passes.merge import merged

__all__ = ["merged"]
