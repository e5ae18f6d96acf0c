"""`python:module:function`: any function of a text and a seed.

`function(text, seed, report)` returns a reward or a `Score`; one that takes less is given less. The
module is looked for where Python looks, and in the working directory. The worker checks the reward,
as for every evaluator.

A function with a parameter `epochs` can be asked for the reward after so many epochs of its
training, and gets, if it has a parameter `folder`, the path of a folder in which it may keep the
state of that training.
"""

import inspect
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from nasdsl.errors import CellError, cell_error, first_line, name_hints
from nasdsl.search.evaluators.spec import no_options
from nasdsl.search.protocol import Report, Score, TrainingPart

ScoreFunction = Callable[..., float | Score]

#: What follows the text, by place and by name, in the order in which functions are asked. A name
#: says more than a place: the second parameter of `score(text, report)` is not the seed.
_WAYS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((), ("seed", "report")),
    ((), ("report",)),
    (("seed", "report"), ()),
    ((), ("seed",)),
    (("seed",), ()),
    ((), ()),
)


class FunctionEvaluator:
    """Calls `function`.

    Args:
        function: takes the `.cell` text, the seed, and a function that reports values of a curve,
            in this order or, after the text, by the names `seed` and `report`. It may leave out
            either of these two or both.

    Raises:
        CellError: it takes something else (NAS882).
    """

    def __init__(self, function: ScoreFunction) -> None:
        self.function = function
        self.places, self.names = _way(function)

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """What the function returns, as a score."""
        return self._call(text, seed, report, {})

    def _call(self, text: str, seed: int, report: Report, more: dict[str, Any]) -> Score:
        extra = {"seed": seed, "report": report}
        places, names = ([extra[name] for name in self.places], {n: extra[n] for n in self.names})
        found = self.function(text, *places, **names, **more)
        return found if isinstance(found, Score) else Score(found)


class FunctionInParts(FunctionEvaluator):
    """Calls a function that takes epochs."""

    #: How many a whole training has is known to the function alone.
    epochs = None

    def evaluate_part(self, text: str, seed: int, report: Report, part: TrainingPart) -> Score:
        """What the function returns after so many epochs, as a score."""
        more = {"epochs": part.epochs, "folder": part.folder}
        takes = inspect.signature(self.function).parameters
        given = {name: value for name, value in more.items() if name in takes}
        found = self._call(text, seed, report, given)
        if part.is_last:
            shutil.rmtree(part.folder, ignore_errors=True)
        return found


#: Parameters that a search in parts gives by name, and no other.
_OF_PARTS = ("epochs", "folder")


def _way(function: ScoreFunction) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The first of `_WAYS` that a function can be called in."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions of C do not say what they take
        return ("seed", "report"), ()
    others = [each for name, each in signature.parameters.items() if name not in _OF_PARTS]
    if "epochs" in signature.parameters:
        signature = signature.replace(parameters=others)
    for places, names in _WAYS:
        with suppress(TypeError):
            signature.bind("", *places, **dict.fromkeys(names))
            return places, names
    called = getattr(function, "__name__", type(function).__name__)
    raise cell_error(
        "NAS882",
        f"`{called}{signature}` cannot be called with a text",
        "an evaluator is a function of `text, seed, report`; it may leave out the last two",
    )


def function_evaluator(what: str, options: dict[str, str]) -> FunctionEvaluator:
    """The evaluator of `module:function`.

    Raises:
        CellError: there is no such function (NAS882).
    """
    no_options("python", options)
    name, _, path = what.partition(":")
    if not name or not path:
        raise cell_error("NAS882", f"`python:{what}` is not of the form python:module:function")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found: object = import_module(name)
    except CellError:
        raise
    except Exception as error:  # whatever somebody else's module may raise
        reason = first_line(error)
        raise cell_error("NAS882", f"`python:{what}` cannot be imported: {reason}") from error
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            hints = name_hints(attribute, dir(found))
            raise cell_error("NAS882", f"`{name}` has no `{attribute}`", *hints)
        found = getattr(found, attribute)
    if not callable(found):
        raise cell_error("NAS882", f"`{what}` cannot be called")
    return FunctionInParts(found) if _takes_epochs(found) else FunctionEvaluator(found)


def _takes_epochs(function: ScoreFunction) -> bool:
    try:
        return "epochs" in inspect.signature(function).parameters
    except ValueError:
        return False
