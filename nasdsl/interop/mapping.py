"""A dictionary, written as JSON or as Python.

Purpose: its pairs with their places, whichever of the two it is, bare or assigned to a name.
Non-goals: YAML (`nasdsl.interop.document`).
"""

import ast
import re

from nasdsl.errors import Source
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.literals import Python, Value

_WORDS = {"true": "True", "false": "False", "null": "None"}
_STRINGS_OR_WORDS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\b(?:true|false|null)\b')


def mapping(foreign: Foreign) -> dict[str, Value]:
    """The pairs of the first dictionary of the text.

    JSON is Python but for three words, and Python's words are as long: a copy with those keeps
    every place.

    Raises:
        CellError: there is none, or it holds what would have to be executed (NAS651).
    """
    python = Python(_pythonic(foreign))
    python.foreign = foreign
    for node in ast.walk(python.tree):
        if isinstance(node, ast.Dict):
            found = python.value(node).data
            assert isinstance(found, dict)
            return found
    raise foreign.cell_error("NAS651", "there is no dictionary in the text")


def _pythonic(foreign: Foreign) -> Foreign:
    def replaced(match: "re.Match[str]") -> str:
        return _WORDS.get(match.group(), match.group())

    text = _STRINGS_OR_WORDS.sub(replaced, foreign.text)
    return Foreign(Source(foreign.source.name, text), foreign.findings)
