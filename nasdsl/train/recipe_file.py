"""Recipes as text: in files, and as values on a command line.

A run leaves a file with every value; a file that a person writes may name a shipped recipe as its
`base` and give only what differs.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.documents import document_text, toml_values
from nasdsl.errors import CellError, Diagnostic, cell_error
from nasdsl.train.recipe import LATER, VALUES, Recipe, recipe

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SUFFIX = ".toml"
#: The base of a file that names none.
_BASE = "quick"


def recipe_toml(recipe: "DataclassInstance") -> str:
    """A recipe of any task as TOML, with every value."""
    values = asdict(recipe)
    # Imported here because runs are compared without the extra that brings it.
    import tomli_w

    return tomli_w.dumps({"base": values.pop("name"), **values})


def recipe_at(name_or_path: str | os.PathLike[str]) -> Recipe:
    """A shipped recipe by name, or one in a `.toml` file.

    Raises:
        CellError: NAS820, no recipe has that name; NAS846, the file cannot be read; NAS821 and
            NAS822 for its values.
    """
    name = os.fspath(name_or_path)
    if not name.endswith(_SUFFIX):
        return recipe(name)
    values = recipe_file_values(name)
    base = values.pop("base", _BASE)
    if not isinstance(base, str):
        raise cell_error("NAS846", f"`base` of the recipe {name!r} must name a shipped recipe")
    if set(VALUES) <= {*LATER, *values}:
        # A whole recipe: what it does not say was not known when it was written.
        values = {**LATER, **values}
    return recipe(base).changed(**values)


def recipe_file_values(path: str) -> dict[str, Any]:
    """What the file of a recipe says, its `base` among it.

    Raises:
        CellError: NAS846, it cannot be read.
    """
    try:
        return toml_values(document_text(Path(path)))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise cell_error("NAS846", f"the recipe {path!r} cannot be read", str(reason)) from None


def with_changes(recipe: Recipe, words: Iterable[str]) -> Recipe:
    """The recipe with each `NAME=VALUE` of `words`; of two for one name the later one counts.

    Raises:
        CellError: NAS821 for a word that is not of that form or an unknown name, NAS822 for an
            illegal value.
    """
    return recipe.changed(**changes_of(words))


def changes_of(words: Iterable[str]) -> dict[str, str]:
    """The values that each `NAME=VALUE` of `words` gives; of two for one name the later one.

    Raises:
        CellError: NAS821 for each word that is not of that form.
    """
    values: dict[str, str] = {}
    malformed = []
    for word in words:
        name, equals, text = word.partition("=")
        if equals:
            values[name.strip()] = text.strip()
        else:
            malformed.append(_malformed_finding(word))
    if malformed:
        raise CellError(tuple(malformed))
    return values


def _malformed_finding(word: str) -> Diagnostic:
    return Diagnostic(
        "NAS821", f"`{word[:60]}` is not NAME=VALUE", hints=("write it as in `lr=0.1`",)
    )
