"""The words of hints: the nearest legal name, lists and numbers of things, and how to install.

Suggestions come from difflib's ratio, which is good enough and is in the standard library.
"""

import os
import sys
from collections.abc import Iterable
from itertools import islice

# A name this long is not a typing mistake, and difflib is quadratic.
_LONGEST = 60
# Nobody means one name among more than this many, and asking about each of them is slow.
_MAX_NAMES = 1000


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name closest to `word`, or None where nothing is close."""
    if len(word) > _LONGEST:
        return None
    # Imported here because most texts have no mistake to look a name up for.
    from difflib import get_close_matches

    folded = {name.lower(): name for name in islice(names, _MAX_NAMES)}
    found = get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def name_hints(word: str, names: Iterable[str], otherwise: str = "") -> tuple[str, ...]:
    """The hints about a name that nothing has: the nearest that something has.

    Where none is near it is `otherwise`, such as a list of the names, or nothing.
    """
    guess = nearest(word, names)
    if guess is not None:
        return (did_you_mean(guess),)
    return (otherwise,) if otherwise else ()


def did_you_mean(guess: str) -> str:
    """The hint that offers a name."""
    return f"did you mean `{guess}`?"


def listed(names: Iterable[str], last: str = "and") -> str:
    """`a`, `b` and `c`: names in prose, at most twelve of them."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > 12:
        quoted = [*quoted[:11], f"{len(quoted) - 11} more"]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def plural(number: int, noun: str, form: str = ",") -> str:
    """`1 worker`, `2 workers`, `1,000 classes`.

    Args:
        number: how many.
        noun: what one is called.
        form: the format of the number; `d` leaves out the comma.
    """
    if number != 1:
        noun += "es" if noun.endswith("s") else "s"
    return f"{number:{form}} {noun}"


def first_line(error: BaseException, limit: int = 200) -> str:
    """What an exception of somebody else's says, for a message of ours.

    Args:
        error: what was raised.
        limit: characters of its first line to keep.

    Returns:
        The first line; the name of its type where it says nothing.
    """
    lines = str(error).strip().splitlines()
    return lines[0][:limit] if lines else type(error).__name__


def install_hint(extra: str = "") -> str:
    """The hint that says how to install nasdsl, with an extra such as `train`.

    Where uv or pipx keeps nasdsl in an environment of its own, that has to be made anew, so the
    hint asks for all extras: those that are installed would be lost.
    """
    for file, command in _TOOLS.items():
        if os.path.exists(os.path.join(sys.prefix, file)):
            extras = "all" if extra not in _NOT_IN_ALL else f"all,{extra}"
            return f'run `{command} ".[{extras}]"` in a checkout of nasdsl'
    wanted = f'".[{extra}]"' if extra else "."
    return f"run `pip install {wanted}` in a checkout of nasdsl"


#: The files that programs leave in the environments they make, and how each is asked for another.
_TOOLS = {"uv-receipt.toml": "uv tool install", "pipx_metadata.json": "pipx install --force"}
_NOT_IN_ALL = ("ray",)
