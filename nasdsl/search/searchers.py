"""Search algorithms by name, and their options.

Algorithms are found through entry points `nasdsl.searchers` and imported when chosen; nothing
here has to know them. An entry point leads to a callable `(space, seed, **options) -> Searcher`.
The keyword arguments in its signature are its options, and texts from a command line become
values of their types. `Annotated[int, Values(int, minimum=1)]` bounds a number.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Annotated, Any

from nasdsl.errors import CellError, Diagnostic, cell_error, listed, name_hints
from nasdsl.language.genotype.types import Space
from nasdsl.registry import Registry
from nasdsl.search.protocol import Searcher
from nasdsl.values import Count as Count
from nasdsl.values import Values, shown, typed, values_of

#: A weight between nothing and all.
Fraction = Annotated[float, Values(float, minimum=0, maximum=1)]
#: A number that is not negative.
NonNegative = Annotated[float, Values(float, minimum=0)]

SearcherMaker = Callable[..., Any]

#: The installed search algorithms.
SEARCHERS: Registry[SearcherMaker] = Registry(
    kind="search algorithm",
    group="nasdsl.searchers",
    type=Callable,  # type: ignore[arg-type]
    unknown="NAS880",
    extra="search",
    requirement="an algorithm is a callable `(space, seed, **options)` that makes a searcher",
)


#: The keyword of an algorithm that can pursue several objectives; no option for people.
_OBJECTIVES = "objectives"


@typed
def searcher(name: str, space: Space, seed: int, **given: Any) -> Searcher:
    """A new searcher of that name, for one objective.

    Args:
        name: of an entry point, such as `ppo`.
        space: the space to search.
        seed: of all its draws.
        **given: the algorithm's options; a text is read as the type of the option, so texts
            from a command line can be passed on.

    Raises:
        CellError: NAS604 (the space leaves nothing open), NAS701 (it needs a package that is
            not installed), NAS880 (no algorithm or more than one has this name, or what is
            installed is not one), NAS881 (its options).
    """
    return make_searcher(name, space, seed, given)


def make_searcher(
    name: str, space: Space, seed: int, given: Mapping[str, Any], *, objectives: int = 1
) -> Searcher:
    """A new searcher of that name; see `searcher`.

    Args:
        name: of an entry point.
        space: the space to search.
        seed: of all its draws.
        given: the algorithm's options.
        objectives: how many there are.

    Raises:
        CellError: as `searcher` does; NAS885, it takes one objective, and there are several.
    """
    make = SEARCHERS.find(name)
    options = _legal_options(name, make, given)
    if objectives > 1:
        if _OBJECTIVES not in signature(make).parameters:
            raise cell_error(
                "NAS885",
                f"the algorithm `{name}` takes one objective, and there are {objectives}",
                "`nsga2`, `evolution`, `random` and `optuna` take several",
            )
        options[_OBJECTIVES] = objectives
    made = make(space, seed, **options)
    if not isinstance(made, Searcher):
        raise cell_error(
            "NAS880",
            f"`{name}` is offered as a search algorithm but is not one",
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
    return {key: option.default for key, option in _parameters(SEARCHERS.find(name)).items()}


# -- options -----------------------------------------------------------------------------


def _parameters(make: Callable[..., Any]) -> Mapping[str, Parameter]:
    """The keyword arguments of an algorithm, with their types evaluated."""
    parameters = signature(make, eval_str=True).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name != _OBJECTIVES
    }


def _legal_options(name: str, make: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options given, as values of their types.

    An algorithm that takes any keyword (`**options`) checks them itself.

    Args:
        name: of the algorithm, for messages.
        make: the algorithm.
        given: values, or texts for them.

    Raises:
        CellError: every unknown option and illegal value, at once (NAS881).
    """
    parameters = signature(make).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(given)
    known = _parameters(make)
    found: dict[str, Any] = {}
    findings: list[Diagnostic] = []
    for key, value in given.items():
        try:
            found[key] = _typed(name, key, value, known)
        except CellError as error:
            findings += error.diagnostics
    if findings:
        raise CellError(tuple(findings))
    return found


def _typed(name: str, key: str, value: Any, known: Mapping[str, Parameter]) -> Any:
    if key not in known:
        has = f"its options are {listed(known)}" if known else "it has no options"
        hints = name_hints(key, known, has)
        raise cell_error("NAS881", f"the algorithm `{name}` has no option {key!r:.60}", *hints)
    values = values_of(known[key].annotation)
    if values is None:
        return value
    # The command line takes `True` as well.
    folded = value.lower() if values.type is bool and isinstance(value, str) else value
    legal = values.legal(folded)
    # A fraction for a count is a mistake, even 2.0.
    if legal is None or (values.type is int and isinstance(value, float)):
        raise cell_error("NAS881", f"{key} of `{name}` is {values.description}, not {shown(value)}")
    return legal
