"""From the name of an algorithm to a searcher.

Algorithms are found through entry points `nasdsl.searchers` and imported when chosen;
nothing here has to know them. An entry point leads to a callable
`(space, seed, **options) -> Searcher`; its keyword arguments are its options.
"""

from collections.abc import Callable, Mapping
from typing import Any

from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Space
from nasdsl.registry import Registry
from nasdsl.search.options import legal_options, options
from nasdsl.search.protocol import Searcher

Maker = Callable[..., Any]

#: The installed search algorithms.
SEARCHERS: Registry[Maker] = Registry(
    kind="search algorithm",
    group="nasdsl.searchers",
    type=Callable,  # type: ignore[arg-type]
    unknown="NAS880",
    extra="search",
    requirement="an algorithm is a callable `(space, seed, **options)` that makes a searcher",
)


def searcher(name: str, space: Space, seed: int, **given: Any) -> Searcher:
    """A new searcher of that name.

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
    make = SEARCHERS.find(name)
    made = make(space, seed, **legal_options(name, make, given))
    if not isinstance(made, Searcher):
        raise cell_error(
            "NAS880",
            f"`{name}` is offered as a search algorithm and is none",
            "a searcher has `propose`, `observe`, `state_dict` and `load_state_dict`",
        )
    return made


def names() -> list[str]:
    """The installed algorithms, sorted; none of them is imported."""
    return SEARCHERS.names()


def options_of(name: str) -> Mapping[str, Any]:
    """The options of an algorithm with their defaults.

    Raises:
        CellError: as `searcher` does for names.
    """
    return {key: option.default for key, option in options(SEARCHERS.find(name)).items()}
