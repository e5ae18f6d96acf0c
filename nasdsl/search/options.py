"""Options of search algorithms: keyword arguments, typed and bounded.

Purpose: an algorithm says what its options are by its signature, and words from a command line
become values of these types. `Annotated[int, Range(1)]` bounds a number.
Non-goals: finding algorithms (`nasdsl.search.searchers`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Annotated, Any, get_args, get_origin

from nasdsl.errors import CellError, Diagnostic, cell_error, listed, nearest


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `least` to `most`, both included."""

    least: float
    most: float = float("inf")

    def __str__(self) -> str:
        upper = "" if self.most == float("inf") else f" and at most {self.most:g}"
        return f"at least {self.least:g}{upper}"


#: A number of things, of which there is one or more.
Count = Annotated[int, Range(1)]
#: A weight between nothing and all.
Share = Annotated[float, Range(0, 1)]
#: A number that is not negative.
Amount = Annotated[float, Range(0)]

_KINDS = {int: "a whole number", float: "a number", bool: "`true` or `false`", str: "a text"}


def options(make: Callable[..., Any]) -> Mapping[str, Parameter]:
    """The keyword arguments of an algorithm, with their types evaluated."""
    parameters = signature(make, eval_str=True).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }


def checked(name: str, make: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options given, as values of their types.

    An algorithm that takes any keyword (`**options`) checks them itself.

    Args:
        name: of the algorithm, for messages.
        make: the algorithm.
        given: values, or words for them.

    Raises:
        CellError: every unknown option and illegal value, at once (NAS881).
    """
    parameters = signature(make).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return dict(given)
    known = options(make)
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
        guess = nearest(key, known)
        has = f"its options are {listed(known)}" if known else "it has no options"
        hint = f"did you mean `{guess}`?" if guess else has
        raise cell_error("NAS881", f"the algorithm `{name}` has no option {key!r:.60}", hint)
    wanted, bounds = _type_and_bounds(known[key].annotation)
    read = _read(value, wanted) if isinstance(value, str) else value
    if wanted is float and type(read) is int:
        read = float(read)
    if wanted not in _KINDS or (type(read) is wanted and _within(read, bounds)):
        return read
    kind = f"{_KINDS[wanted]}{f', {bounds}' if bounds else ''}"
    raise cell_error("NAS881", f"{key} of `{name}` is {kind}, not {value!r:.40}")


def _type_and_bounds(annotation: Any) -> tuple[Any, Range | None]:
    if get_origin(annotation) is not Annotated:
        return annotation, None
    type_, *rest = get_args(annotation)
    return type_, next((each for each in rest if isinstance(each, Range)), None)


def _within(value: Any, bounds: Range | None) -> bool:
    return bounds is None or bounds.least <= value <= bounds.most


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
