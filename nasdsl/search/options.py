"""Options of search algorithms: keyword arguments, typed and bounded.

The signature of an algorithm declares its options, and texts from a command line become values
of their types. `Annotated[int, Values(int, minimum=1)]` bounds a number.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Annotated, Any

from nasdsl.errors import CellError, Diagnostic, cell_error, listed, name_hints
from nasdsl.values import Values, shown, values_of

#: A number of things, of which there is one or more.
Count = Annotated[int, Values(int, minimum=1)]
#: A weight between nothing and all.
Share = Annotated[float, Values(float, minimum=0, maximum=1)]
#: A number that is not negative.
Amount = Annotated[float, Values(float, minimum=0)]


def options(make: Callable[..., Any]) -> Mapping[str, Parameter]:
    """The keyword arguments of an algorithm, with their types evaluated."""
    parameters = signature(make, eval_str=True).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }


def legal_options(name: str, make: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
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
        has = f"its options are {listed(known)}" if known else "it has no options"
        hints = name_hints(key, known, has)
        raise cell_error("NAS881", f"the algorithm `{name}` has no option {key!r:.60}", *hints)
    values = values_of(known[key].annotation)
    if values is None:
        return value
    # The command line takes `True` as well.
    folded = value.lower() if values.type is bool and isinstance(value, str) else value
    legal = values.legal(folded)
    # A fraction where things are counted is a slip, even 2.0.
    if legal is None or (values.type is int and isinstance(value, float)):
        raise cell_error("NAS881", f"{key} of `{name}` is {values.description}, not {shown(value)}")
    return legal
