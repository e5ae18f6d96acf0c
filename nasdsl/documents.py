"""JSON and TOML from outside, within bounds.

Python's readers take as much time and memory as a text asks for: a whole number takes time in
proportion to the square of its digits, and so does a dotted key of TOML.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

#: The longest number, in characters; no double needs as many.
MAX_NUMBER_LENGTH = 400
#: The longest line of a TOML file, in characters. It bounds numbers and dotted keys.
MAX_TOML_LINE = 1000
#: The largest file, in bytes. A recipe and a `run.json` have a few thousand.
MAX_DOCUMENT = 1024 * 1024


def json_value(
    text: str | bytes,
    object_hook: Callable[[dict[str, Any]], Any] | None = None,
    *,
    constants: bool = True,
) -> Any:
    """What a JSON text says.

    Args:
        text: at a length that the caller has bounded.
        object_hook: see `json.loads`.
        constants: whether NaN and Infinity, which are not JSON, are read as Python writes them.

    Raises:
        ValueError: it is not JSON, nested too deeply, or has a number of over
            `MAX_NUMBER_LENGTH` characters.
    """
    try:
        return json.loads(
            text,
            object_hook=object_hook,
            parse_int=_whole,
            parse_float=_real,
            parse_constant=float if constants else _no_constant,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def toml_values(text: str) -> dict[str, Any]:
    """What a TOML text says.

    Raises:
        ValueError: it is not TOML, nested too deeply, or has a line of over `MAX_TOML_LINE`
            characters.
    """
    # Imported here because every command reads JSON, and few read TOML.
    import tomllib

    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_TOML_LINE:
            raise ValueError(f"line {number} has more than {MAX_TOML_LINE:,} characters")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def document_text(path: Path) -> str:
    """The UTF-8 text of a file of at most `MAX_DOCUMENT` bytes, without a byte order mark.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large, or not UTF-8.
    """
    with path.open("rb") as stream:
        data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise ValueError(f"larger than {MAX_DOCUMENT // 2**20} MiB")
    # Editors of Windows begin a file with a mark.
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def _whole(digits: str) -> int:
    return int(_bounded(digits))


def _real(digits: str) -> float:
    return float(_bounded(digits))


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _bounded(digits: str) -> str:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise ValueError(f"a number has {len(digits):,} characters")
    return digits
