"""From the name of an algorithm to a searcher.

Purpose: algorithms are found through entry points `nasdsl.searchers` and imported when chosen;
nothing here has to know them. An entry point leads to a callable
`(space, seed, **options) -> Searcher`; its keyword arguments are its options.
Non-goals: what a searcher does (`nasdsl.search.protocol`).
"""

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from types import NoneType
from typing import Any, get_args

from nasdsl.errors import CellError, Diagnostic, listed, nearest, refuse
from nasdsl.genotype.types import Space
from nasdsl.search.protocol import Searcher

#: The group of entry points that searchers are found in.
GROUP = "nasdsl.searchers"

Maker = Callable[..., Any]


def searcher(name: str, space: Space, seed: int, **options: Any) -> Searcher:
    """The searcher of that name, at its beginning.

    Args:
        name: of an entry point, such as `ppo`.
        space: what it searches.
        seed: of all its draws.
        **options: the algorithm's own; a text is read as the type of the option, so that
            what a command line was given may be passed on as it is.

    Raises:
        CellError: NAS604 (the space leaves nothing open), NAS701 (it needs a package that is
            not installed), NAS880 (no algorithm, or more than one, is called so, or what is
            installed is none), NAS881 (its options).
    """
    make = _maker(name)
    made = make(space, seed, **_checked(name, make, options))
    if not isinstance(made, Searcher):
        raise refuse(
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
    return {key: option.default for key, option in _options(_maker(name)).items()}


# -- entry points ------------------------------------------------------------------------


def _entries() -> Mapping[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, []).append(entry)
    return found


def _maker(name: str) -> Maker:
    entries = _entries()
    if name not in entries:
        guess = nearest(name, entries)
        hint = f"did you mean `{guess}`?" if guess else f"installed: {listed(sorted(entries))}"
        raise refuse("NAS880", f"no search algorithm is called {name!r:.60}", hint)
    values = sorted({entry.value for entry in entries[name]})
    if len(values) > 1:
        raise refuse(
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
        raise refuse(
            "NAS701",
            f"the algorithm `{name}` needs `{missing}`, which is not installed",
            'pip install "nasdsl[search]"' if ours else f"pip install {missing}",
        ) from error
    except (ImportError, AttributeError) as error:
        raise refuse(
            "NAS880", f"algorithm `{name}` cannot be imported from {entry.value}: {error}"
        ) from error
    return made


# -- options -----------------------------------------------------------------------------


def _options(make: Maker) -> Mapping[str, Parameter]:
    parameters = signature(make, eval_str=True).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }


def _checked(name: str, make: Maker, given: Mapping[str, Any]) -> dict[str, Any]:
    known = _options(make)
    # An algorithm that takes any keyword checks them itself.
    if any(each.kind is Parameter.VAR_KEYWORD for each in signature(make).parameters.values()):
        return dict(given)
    checked: dict[str, Any] = {}
    findings: list[Diagnostic] = []
    for key, value in given.items():
        try:
            checked[key] = _typed(name, key, value, known)
        except CellError as error:
            findings += error.diagnostics
    if findings:
        raise CellError(tuple(findings))
    return checked


def _typed(name: str, key: str, value: Any, known: Mapping[str, Parameter]) -> Any:
    if key not in known:
        guess = nearest(key, known)
        has = f"its options are {listed(known)}" if known else "it has no options"
        hint = f"did you mean `{guess}`?" if guess else has
        raise refuse("NAS881", f"the algorithm `{name}` has no option {key!r:.60}", hint)
    wanted = known[key].annotation
    types = [each for each in get_args(wanted) or (wanted,) if each is not NoneType]
    for type_ in types:
        found = _read(value, type_) if isinstance(value, str) else value
        if type_ is float and type(found) is int:
            found = float(found)
        if type(found) is type_:
            return found
    if value is None and types != [wanted]:
        return None
    kinds = listed([_KINDS.get(each, getattr(each, "__name__", str(each))) for each in types], "or")
    raise refuse("NAS881", f"{key} of `{name}` is {kinds}, not {value!r:.40}")


_KINDS = {int: "a whole number", float: "a number", bool: "`true` or `false`", str: "a text"}


def _read(text: str, type_: object) -> Any:
    """A text as a value of a type, or the text itself where it is none."""
    if type_ is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if type_ in (int, float):
        try:
            return type_(text)
        except ValueError:
            return text
    return text
