"""Values of a recipe as words: `--set lr=0.1`.

Purpose: words from a command line; what they may say stands in `nasdsl.train.recipe`.
"""

from collections.abc import Iterable

from nasdsl.errors import CellError, Diagnostic
from nasdsl.train.recipe import Recipe


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
            values[name.strip()] = text.strip()
        else:
            malformed.append(_malformed(word))
    if malformed:
        raise CellError(tuple(malformed))
    return recipe.changed(**values)


def _malformed(word: str) -> Diagnostic:
    return Diagnostic(
        "NAS821", f"`{word[:60]}` is not NAME=VALUE", hints=("write it as in `lr=0.1`",)
    )
