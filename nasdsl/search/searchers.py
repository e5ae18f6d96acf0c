"""From the name of an algorithm to a searcher.

Purpose: algorithms are found through entry points `nasdsl.searchers` and imported when chosen;
nothing here has to know them. An entry point leads to a callable
`(space, seed, **options) -> Searcher`; its keyword arguments are its options.
Non-goals: what a searcher does (`nasdsl.search.protocol`).
"""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

from nasdsl.errors import cell_error, install_hint, listed, nearest
from nasdsl.language.genotype.types import Space
from nasdsl.metadata import entry_points
from nasdsl.search.options import checked, options
from nasdsl.search.protocol import Searcher

#: The group of entry points that searchers are found in.
GROUP = "nasdsl.searchers"

Maker = Callable[..., Any]


def searcher(name: str, space: Space, seed: int, **given: Any) -> Searcher:
    """The searcher of that name, at its beginning.

    Args:
        name: of an entry point, such as `ppo`.
        space: what it searches.
        seed: of all its draws.
        **given: the algorithm's options; a text is read as the type of the option, so that
            what a command line was given may be passed on as it is.

    Raises:
        CellError: NAS604 (the space leaves nothing open), NAS701 (it needs a package that is
            not installed), NAS880 (no algorithm, or more than one, is called so, or what is
            installed is none), NAS881 (its options).
    """
    make = _maker(name)
    made = make(space, seed, **checked(name, make, given))
    if not isinstance(made, Searcher):
        raise cell_error(
            "NAS880",
            f"`{name}` is offered as a search algorithm and is none",
            "a searcher has `propose`, `observe`, `state_dict` and `load_state_dict`",
        )
    return made


def names() -> list[str]:
    """The installed algorithms, sorted; none of them is imported."""
    return sorted(_entries())


def options_of(name: str) -> Mapping[str, Any]:
    """The options of an algorithm with their defaults.

    Raises:
        CellError: as `searcher` does for names.
    """
    return {key: option.default for key, option in options(_maker(name)).items()}


# -- entry points ------------------------------------------------------------------------


def _entries() -> Mapping[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def _maker(name: str) -> Maker:
    entries = _entries()
    if name not in entries:
        guess = nearest(name, entries)
        hint = f"did you mean `{guess}`?" if guess else f"installed: {listed(sorted(entries))}"
        raise cell_error("NAS880", f"no search algorithm is called {name!r:.60}", hint)
    values = sorted({entry.value for entry in entries[name]})
    if len(values) > 1:
        raise cell_error(
            "NAS880",
            f"{len(values)} installed packages offer a search algorithm called `{name}`",
            f"they are {listed(values)}; uninstall all but one of them",
        )
    entry = entries[name][0]
    try:
        made: Maker = entry.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        ours = entry.value.startswith("nasdsl.")
        raise cell_error(
            "NAS701",
            f"the algorithm `{name}` needs `{missing}`, which is not installed",
            install_hint("search") if ours else f"pip install {missing}",
        ) from error
    except (ImportError, AttributeError) as error:
        raise cell_error(
            "NAS880", f"algorithm `{name}` cannot be imported from {entry.value}: {error}"
        ) from error
    return made
