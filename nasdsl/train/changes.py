"""Values of a recipe as words: `--set lr=0.1`.

Purpose: words from a command line, typed.
Non-goals: which values are legal (`nasdsl.train.recipe`).
"""

from collections.abc import Iterable

from nasdsl.errors import CellError, Diagnostic
from nasdsl.train.recipe import KINDS, Recipe

_BOOLEANS = {"true": True, "false": False}


def changed(recipe: Recipe, words: Iterable[str]) -> Recipe:
    """The recipe with each `NAME=VALUE` of `words`; of two for one name the later counts.

    Raises:
        CellError: NAS821 for what is not of that form or names no value, NAS822 for a value it
            cannot have.
    """
    values: dict[str, object] = {}
    malformed = []
    for word in words:
        name, equals, text = word.partition("=")
        if equals:
            values[name.strip()] = _value(name.strip(), text.strip())
        else:
            malformed.append(_malformed(word))
    if malformed:
        raise CellError(tuple(malformed))
    return recipe.changed(**values)


def _value(name: str, text: str) -> object:
    """The text as a value of its kind; as it stands where it is none, for the refusal."""
    kind = KINDS.get(name)
    if kind is None or kind.words:
        return text
    if kind.type is bool:
        return _BOOLEANS.get(text, text)
    # int() of a very long text takes seconds, and takes `1_0`.
    if len(text) > 24 or "_" in text or not text.isascii():
        return text
    try:
        return float(text)
    except ValueError:
        return text


def _malformed(word: str) -> Diagnostic:
    return Diagnostic(
        "NAS821", f"`{word[:60]}` is not NAME=VALUE", hints=("write it as in `lr=0.1`",)
    )
