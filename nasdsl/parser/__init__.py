"""Text to syntax, with every mistake reported."""

from nasdsl.parser.parse import Parsed, parse
from nasdsl.parser.read import MOST_BYTES, decoded, read_file, read_stdin, read_stream

__all__ = ["MOST_BYTES", "Parsed", "decoded", "parse", "read_file", "read_stdin", "read_stream"]
