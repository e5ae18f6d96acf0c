"""Words of a user, where they may stand in Python source.

Purpose: names and texts of a `.cell` file become comments, docstrings and identifiers that
cannot end early and are ASCII whatever they hold.
Non-goals: choosing what is said.
"""

import builtins
import keyword
import re

from nasdsl_backends.source.helpers import HELPERS

#: What the generated file calls things besides its helpers; an op may not take these names.
_OWN = (
    *("torch", "nn", "F", "Tensor", "OrderedDict", "NamedTuple", "Network", "NetworkOutputs"),
    *("build", "initialise", "network", "image", "filters", "channels", "stride", "keep"),
)
_IN_HELPERS = {word for helper in HELPERS.values() for word in re.findall(r"\w+", helper.text)}
RESERVED = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_OWN, *_IN_HELPERS))
_LONGEST_NAME = 40


def visible(text: str) -> str:
    """`text` on one line of printable ASCII: everything else as an escape."""
    return "".join(ch if " " <= ch <= "~" else _escape(ch) for ch in text)


def comment(text: str, width: int) -> str:
    """A comment of at most `width` columns."""
    line = visible(text)
    return f"# {line}" if len(line) <= width - 2 else f"# {line[: width - 5]}..."


def prose(text: str) -> str:
    """A line for the inside of a docstring."""
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').rstrip()


def identifier(text: str, taken: set[str]) -> str:
    """A name for `text` that is free, in lower case; it is added to `taken`."""
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()[:_LONGEST_NAME]).strip("_")
    if not name or name[0].isdigit() or name in RESERVED or re.fullmatch(r"in\d+", name):
        name = f"op_{name}".rstrip("_")
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


def _escape(ch: str) -> str:
    code = ord(ch)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
