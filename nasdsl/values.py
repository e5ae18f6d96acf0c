"""`Values`: which values something may have, and how they are read and described.

Purpose: network settings, recipes, options of search algorithms and evaluators say what is legal
in one way. A value may be given in Python or written in a text; both lead to the same value.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set, Sized
from dataclasses import dataclass
from functools import cache, wraps
from inspect import Parameter, Signature, signature
from numbers import Real
from operator import index
from os import PathLike
from pathlib import PurePath
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    SupportsIndex,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from nasdsl.errors import CellError, Diagnostic, listed

Value = int | float | bool | str

# A float prints in up to 24 characters; int() may take seconds over much longer texts.
_LONGEST_NUMBER = 24
#: What reads a thing, for whoever gives its name or its text in its place.
_READERS = {
    "Genotype": "`nasdsl.load` reads a file or the library's, `nasdsl.loads` a text",
    "Space": "`nasdsl.load_space` reads a file or the library's, `nasdsl.loads_space` a text",
}
_NAMES = {int: "a whole number", float: "a number", bool: "`true` or `false`", str: "a text"}


@dataclass(frozen=True, slots=True)
class Values:
    """Legal values: a type, and bounds or words.

    Attributes:
        type: of a legal value.
        help: what the value is for, beginning with a small letter and without a full stop.
        words: the only legal texts; empty where every text is legal.
        minimum: the least legal number.
        maximum: the greatest legal number.
        below_maximum: whether `maximum` itself is illegal.
        unit: what numbers count or measure: `pixels`; empty for pure numbers.
    """

    type: type[int] | type[float] | type[bool] | type[str]
    help: str = ""
    words: tuple[str, ...] = ()
    minimum: float = -math.inf
    maximum: float = math.inf
    below_maximum: bool = False
    unit: str = ""

    @property
    def description(self) -> str:
        """The legal values in words: "a whole number from 1 to 100"."""
        if self.words:
            return listed(self.words, "or")
        least = "" if self.minimum == -math.inf else _bound(self.minimum)
        most = "" if self.maximum == math.inf else _bound(self.maximum)
        if least and most and not self.below_maximum:
            return f"{_NAMES[self.type]} from {least} to {most}"
        bounds = [f"of at least {least}"] if least else []
        bounds += [f"{'below' if self.below_maximum else 'of at most'} {most}"] if most else []
        return " ".join([_NAMES[self.type], " and ".join(bounds)]).rstrip()

    def legal(self, value: object) -> Any:
        """`value` as a value of the type, or None where it is not legal.

        Takes what Python has (numpy's numbers too) as well as the words and numbers of a text.
        """
        if self.type is str:
            found = value if isinstance(value, str) else None
            return found if not self.words or found in self.words else None
        if self.type is bool:
            if isinstance(value, str):
                return {"true": True, "false": False}.get(value)
            return value if isinstance(value, bool) else None
        number = _number(value, whole=self.type is int)
        if number is None or not self.minimum <= number <= self.maximum:
            return None
        return None if self.below_maximum and number == self.maximum else number


def _bound(number: float) -> str:
    # Of a whole number every digit, which 15 are too few for.
    return f"{number:,}" if isinstance(number, int) else f"{number:,.15g}"


#: A number of things, of which there is one or more.
Count = Annotated[int, Values(int, minimum=1)]
#: A number of things, of which there may be none.
CountOrNone = Annotated[int, Values(int, minimum=0)]
#: How many threads of the processor something may use.
Threads = Annotated[int, Values(int, minimum=1, maximum=4096)]
#: The seed of a training.
Seed = Annotated[int, Values(int, minimum=0, maximum=2**63 - 1)]
#: How long something may take, or is waited for.
Seconds = Annotated[float, Values(float, minimum=0)]


def values_of(annotation: object) -> Values | None:
    """The values that a type annotation allows, or None where it is of some other kind.

    `Annotated[int, Values(int, minimum=1)]` allows those, `Literal["a", "b"]` two words, and
    `int`, `float`, `bool` and `str` everything of the type.
    """
    if get_origin(annotation) is Annotated:
        given = (each for each in get_args(annotation) if isinstance(each, Values))
        return next(given, None) or values_of(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        words = get_args(annotation)
        return Values(str, words=words) if all(isinstance(word, str) for word in words) else None
    return Values(annotation) if annotation in (int, float, bool, str) else None


def limits_of(annotation: object) -> Values | None:
    """The values that a type annotation limits further than to a type; None may be allowed too."""
    if get_origin(annotation) in (Union, UnionType):
        some = [each for each in get_args(annotation) if each is not NoneType]
        return limits_of(some[0]) if len(some) == 1 else None
    values = values_of(annotation)
    return None if values is None or values == Values(values.type) else values


def field_values(kind: type) -> dict[str, Values]:
    """What each field of a class may be, in their order; without those of some other kind."""
    hints = get_type_hints(kind, include_extras=True)
    allowed = {name: values_of(hint) for name, hint in hints.items()}
    return {name: values for name, values in allowed.items() if values is not None}


def require_types(**arguments: tuple[object, type | UnionType]) -> None:
    """Refuse arguments that are not of their type.

    Args:
        **arguments: by name, each value and the type that it must have.

    Raises:
        CellError: NAS008 for each that has another.
    """
    wrong = tuple(
        _of_wrong_type(name, value, _type_words(kind), _classes(kind))
        for name, (value, kind) in arguments.items()
        if not _is_of(value, _classes(kind))
    )
    if wrong:
        raise CellError(wrong)


def _of_wrong_type(name: str, value: object, words: str, kinds: tuple[type, ...]) -> Diagnostic:
    """That an argument is not what `words` says; where it names a file, what reads such a thing."""
    is_name = isinstance(value, str | PathLike)
    readers = [_READERS[kind.__name__] for kind in kinds if kind.__name__ in _READERS]
    hints = tuple(readers) if is_name else ()
    return Diagnostic("NAS008", f"{name} is {words}, not {shown(value)}", hints=hints)


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    """Whether a value is of one of the types; a text is no sequence of things."""
    if isinstance(value, str | bytes):
        kinds = tuple(kind for kind in kinds if kind not in (Sequence, Iterable, Sized))
    return isinstance(value, kinds)


def _classes(kind: type | UnionType) -> tuple[type, ...]:
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return tuple(get_origin(each) or each for each in kinds)


_TYPE_WORDS: dict[type, str] = {
    str: "a text",
    bool: "True or False",
    NoneType: "None",
    int: "a whole number",
}


def _type_words(kind: type | UnionType) -> str:
    return _kind_words(_classes(kind))


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def shown(value: object) -> str:
    """A value as a message has it, in at most 40 characters; a text in quotation marks."""
    too_long = "a number of over 4,000 digits"
    # Python writes no whole number of more than 4300 digits, unless it is told to; 3.33 bits each.
    if isinstance(value, int) and value.bit_length() > 13_300:
        return too_long
    try:
        return f"{value!r:.40}"
    except ValueError:
        return too_long


def _number(value: object, *, whole: bool) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, str | SupportsIndex | Real):
        return None
    if isinstance(value, str) and (
        len(value) > _LONGEST_NUMBER or "_" in value or not value.isascii()
    ):
        return None
    try:
        return _whole(value) if whole else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(value: str | SupportsIndex | Real) -> int:
    if isinstance(value, SupportsIndex):
        return index(value)
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
        # As a float it would be rounded beyond 15 digits.
        return int(value)
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{number} is not a whole number")
    return int(number)


P = ParamSpec("P")
R = TypeVar("R")


def typed(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a public function: arguments of a wrong type are NAS008, not Python's errors.

    What an annotation says is required as far as one look at a value shows it: not what is in a
    sequence, nor types that are imported for annotations alone. A path may be a text, and whatever
    counts as a number in Python is one. `Annotated[int, Values(int, minimum=1)]` limits a number,
    and `Literal` a text.
    """

    @cache
    def expected() -> tuple[Signature, dict[str, tuple[type, ...]], dict[str, Values]]:
        # At the first call, because most functions that are imported are not called.
        found = signature(function)
        variable = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
        said = {
            name: parameter.annotation
            for name, parameter in found.parameters.items()
            if parameter.kind not in variable
        }
        kinds = {name: _kinds(annotation) for name, annotation in said.items()}
        return found, kinds, _limits(said)

    @wraps(function)
    def result(*args: P.args, **kwargs: P.kwargs) -> R:
        form, kinds, limits = expected()
        try:
            given = form.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # which names the argument in Python's own words
        wrong = tuple(
            _of_wrong_type(name, value, _kind_words(found), found)
            for name, value in given.items()
            if (found := kinds.get(name)) and not any(_may_be(value, kind) for kind in found)
        )
        if wrong := wrong or _illegal(given, limits):
            raise CellError(wrong)
        return function(*args, **kwargs)

    return result


def require_fields(value: object) -> None:
    """Refuse a dataclass with fields beyond the limits that their annotations set.

    Raises:
        CellError: NAS008 for each.
    """
    kind: type = type(value)
    limits = _field_limits(kind)
    if wrong := _illegal({name: getattr(value, name) for name in limits}, limits):
        raise CellError(wrong)


@cache
def _field_limits(kind: type) -> dict[str, Values]:
    return _limits(get_type_hints(kind, include_extras=True))


def _limits(annotations: Mapping[str, object]) -> dict[str, Values]:
    found = {name: limits_of(annotation) for name, annotation in annotations.items()}
    return {name: values for name, values in found.items() if values is not None}


def _illegal(given: Mapping[str, object], limits: Mapping[str, Values]) -> tuple[Diagnostic, ...]:
    """NAS008 for each value that its limits do not allow; None is no value."""
    return tuple(
        Diagnostic("NAS008", f"{name} is {limits[name].description}, not {shown(value)}")
        for name, value in given.items()
        if value is not None
        and name in limits
        # A text is no number here, whatever it says.
        and (not _may_be(value, limits[name].type) or limits[name].legal(value) is None)
    )


def _kinds(annotation: object) -> tuple[type, ...]:
    """The classes that an annotation allows; empty where they cannot be told."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        inner = [_kinds(each) for each in get_args(annotation)]
        return tuple(kind for kinds in inner for kind in kinds) if all(inner) else ()
    if annotation is None:
        return (NoneType,)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin is Literal:
        return tuple({type(word) for word in get_args(annotation)})
    kind = origin or annotation
    if not isinstance(kind, type) or kind in (object, Any):
        return ()
    is_plain_protocol = getattr(kind, "_is_protocol", False) and not getattr(
        kind, "_is_runtime_protocol", False
    )
    return () if is_plain_protocol else (kind,)


def _may_be(value: object, kind: type) -> bool:
    """Whether a value will do as one of the class."""
    if kind in (Sequence, Iterable, Set, tuple, list):
        return isinstance(value, Iterable) and not isinstance(value, str | bytes)
    if kind is int:
        return isinstance(value, SupportsIndex)
    if kind is float:
        return isinstance(value, Real | SupportsIndex)
    if issubclass(kind, PurePath):
        return isinstance(value, str | PathLike)
    return isinstance(value, kind)


def _kind_words(kinds: tuple[type, ...]) -> str:
    """Types as messages name them: "a text, a Recipe or None"."""
    words = list(
        dict.fromkeys(_TYPE_WORDS.get(each, _with_article(each.__name__)) for each in kinds)
    )
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
