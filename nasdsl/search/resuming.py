"""Whether a store and a command mean the same search.

Purpose: keep what a search is in its store when it begins; when it goes on, refuse what would
make another one of it. Workers, limits of time and the number of trials may change.
Non-goals: the searcher's state, rows.
"""

import json
from dataclasses import replace
from typing import Any

from nasdsl.errors import cell_error
from nasdsl.language.genotype.text import space_text
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Store
from nasdsl.space import count

#: What makes a search the one it is, in the order in which differences are reported.
_IDENTITY = ("space", "algorithm", "options", "evaluator", "seed", "limits", "block", "window")
#: Proposals made at a time, where the settings leave it open.
_BLOCK = 20


def agreed(settings: SearchSettings, store: Store, *, resume: bool) -> SearchSettings:
    """The settings, completed by those the store has; a new store is given them.

    Raises:
        CellError: NAS604 (the space has one member), NAS863 (the store is of another search),
            NAS866 (the store has a search already and nobody said to resume).
    """
    if count(settings.space) == 1:
        raise cell_error(
            "NAS604",
            "the space has a single member, so there is nothing to search",
            "`?` or `{add | concat}` leaves a field open",
        )
    kept = store.settings()
    if not kept:
        block, window = window_of(settings)
        settings = replace(settings, block=block, window=window)
        with store.transaction():
            store.put_settings({**_identity(settings), "trials": settings.trials})
        return settings
    if not resume:
        raise cell_error(
            "NAS866",
            f"{store.path} holds a search already",
            "`--resume` goes on with it; another `--store` begins a new one",
        )
    settings = replace(
        settings,
        block=settings.block or kept["block"],
        window=settings.window or kept["window"],
    )
    _refuse_another(settings, kept, store)
    with store.transaction():
        store.put_settings({"trials": settings.trials})
    return settings


def window_of(settings: SearchSettings) -> tuple[int, int]:
    """The block and the window: what the settings say, or what suits the workers."""
    block = settings.block or max(1, min(settings.size, _BLOCK))
    return block, max(settings.window or 2 * settings.size, block)


def _identity(settings: SearchSettings) -> dict[str, Any]:
    values = {
        "space": space_text(settings.space),
        "algorithm": settings.algorithm,
        "options": dict(settings.options),
        "evaluator": settings.evaluator,
        "seed": settings.seed,
        "limits": dict(settings.limits),
        "block": settings.block,
        "window": settings.window,
    }
    # As they will be read again: tuples are lists then.
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _refuse_another(settings: SearchSettings, kept: dict[str, Any], store: Store) -> None:
    asked = _identity(settings)
    other = [key for key in _IDENTITY if asked[key] != kept.get(key)]
    if not other:
        return
    differences = [
        f"the store has {key} {kept.get(key)!r:.80}, not {asked[key]!r:.80}"
        for key in other
        if key != "space"
    ]
    raise cell_error(
        "NAS863",
        f"{store.path} is of another search: {', '.join(other)}",
        *differences,
        "another `--store` begins a new search",
    )
