"""Text to syntax, with every mistake reported."""

from nasdsl.language.parser.parse import Parsed, parse
from nasdsl.language.parser.read import MAX_BYTES, decoded, read_file, read_stdin, read_stream

__all__ = ["MAX_BYTES", "Parsed", "decoded", "parse", "read_file", "read_stdin", "read_stream"]
