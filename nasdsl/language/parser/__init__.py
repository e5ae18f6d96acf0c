"""Text to syntax, with every mistake reported."""

from nasdsl.language.parser.known_blocks import KnownBlocks
from nasdsl.language.parser.parse import Parsed, parse
from nasdsl.language.parser.read import (
    MAX_BYTES,
    read_file,
    read_stdin,
    read_stream,
    source_from_bytes,
)

__all__ = [
    "MAX_BYTES",
    "KnownBlocks",
    "Parsed",
    "parse",
    "read_file",
    "read_stdin",
    "read_stream",
    "source_from_bytes",
]
