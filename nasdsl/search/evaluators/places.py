"""The paths in the specs of evaluators: absolute in a store, and found again after a move.

A spec has a path in `data=NAME:PATH`, in `recipe=FILE.toml` or, where the kind reads a file, in
`KIND:PATH`. A store and
what it reads may have been moved together, so that a path that leads nowhere is also tried from
the store's folder. Stores of version 0.1.0 have paths as they were typed, in a folder that was the
current one: one of those around the store.
"""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote_plus

#: The kinds that read the file or folder after the colon, and the option that names another file.
_FILES = ("table", "finish", "supernet", "predicted")
_OTHER_FILE = "devices="
_DATA = "data="
#: The kind with a recipe, and the option that names it.
_RECIPES, _RECIPE = "train", "recipe="


def absolute_spec(spec: str, data: str | None = None) -> str:
    """The spec with the path of its file made absolute, and with the data of that name.

    Args:
        spec: an evaluator's.
        data: what the evaluator calls its data, with an absolute path; None where it has none.
    """
    found = _with_file(spec, os.path.abspath)
    if data is None or not os.path.isabs(data.partition(":")[2]):
        return found
    return _with_data(found, data)


def spec_at(spec: str, folder: object, store: Path) -> str:
    """The spec that a store has, with paths that lead somewhere, as far as any do.

    Args:
        spec: the evaluator's, as the store has it.
        folder: that in which the store was when the search started; None if it does not say.
        store: where it is now.
    """

    def found(path: str) -> str:
        if os.path.exists(path):
            return os.path.abspath(path)
        here = store.absolute().parent
        places = [folder / path for folder in (here, *here.parents)]
        if os.path.isabs(path):
            places = [here / os.path.relpath(path, folder)] if isinstance(folder, str) else []
        there = (os.path.normpath(place) for place in places if place.exists())
        return next(there, path)

    moved = _with_file(spec, found)
    name, _, path = data_in(moved).partition(":")
    place = found(path) if path else ""
    return _with_data(moved, f"{name}:{place}") if os.path.isdir(place) else moved


def _with_file(spec: str, changed: Callable[[str], str]) -> str:
    """The spec with another path where its kind reads a file."""
    head, mark, query = spec.partition("?")
    kind, colon, path = head.partition(":")
    if kind == _RECIPES:
        options = [_with_recipe(option, changed) for option in query.split("&")]
        return f"{head}{mark}{'&'.join(options)}"
    if kind not in _FILES or not path:
        return spec
    options = [_with_other_file(option, changed) for option in query.split("&")]
    return f"{kind}{colon}{changed(path)}{mark}{'&'.join(options)}"


def _with_recipe(option: str, changed: Callable[[str], str]) -> str:
    """An option with another path where it names the file of a recipe, and not a shipped one."""
    path = unquote_plus(option.removeprefix(_RECIPE))
    if not option.startswith(_RECIPE) or not path.endswith(".toml"):
        return option
    return f"{_RECIPE}{quote(changed(path), safe='/:')}"


def _with_other_file(option: str, changed: Callable[[str], str]) -> str:
    if not option.startswith(_OTHER_FILE):
        return option
    path = unquote_plus(option.removeprefix(_OTHER_FILE))
    return f"{_OTHER_FILE}{quote(changed(path), safe='/:')}"


def data_in(spec: str) -> str:
    """What an evaluator's spec trains on or looks at; empty where it does not say."""
    return dict(parse_qsl(spec.partition("?")[2])).get("data", "")


def _with_data(spec: str, data: str) -> str:
    """The spec with these data, in the place of its own."""
    head, mark, query = spec.partition("?")
    written = f"{_DATA}{quote(data, safe='/:')}"
    parts = [written if part.startswith(_DATA) else part for part in query.split("&")]
    return f"{head}{mark}{'&'.join(parts)}"
