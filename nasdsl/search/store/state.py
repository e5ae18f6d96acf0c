"""A searcher's state as rows: one part a row, and a part that has not changed is not written.

Purpose: plain data to bytes and back. Bytes are kept as they are; everything else is JSON, in
which nested bytes are marked. Nothing here can run code.
Non-goals: pickles, classes, tuples (they come back as lists).
"""

import json
from base64 import b64decode, b64encode
from typing import Any

_MARK = "__bytes__"
_RAW, _JSON = b"b", b"j"


def encoded(value: Any) -> bytes:
    """A part of a state as bytes.

    Raises:
        TypeError: it holds something that is no plain data.
    """
    if isinstance(value, bytes):
        return _RAW + value
    text = json.dumps(value, default=_marked, ensure_ascii=False, separators=(",", ":"))
    return _JSON + text.encode()


def decoded(data: bytes) -> Any:
    """The part that `encoded` was given."""
    if data[:1] == _RAW:
        return data[1:]
    return json.loads(data[1:], object_hook=_unmarked)


def _marked(value: Any) -> dict[str, str]:
    if not isinstance(value, bytes):
        raise TypeError(f"a searcher's state holds a {type(value).__name__}")
    return {_MARK: b64encode(value).decode("ascii")}


def _unmarked(found: dict[str, Any]) -> Any:
    return b64decode(found[_MARK]) if found.keys() == {_MARK} else found
