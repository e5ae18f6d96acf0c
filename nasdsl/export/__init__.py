"""Exports: files of a compiled network. Importing this does not import torch."""

from nasdsl.export.formats import SUFFIXES
from nasdsl.export.writing import Written, require_exportable, write, write_or_keep

__all__ = ["SUFFIXES", "Written", "require_exportable", "write", "write_or_keep"]
