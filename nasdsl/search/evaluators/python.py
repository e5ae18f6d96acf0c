"""`python:module:function`: any function of a text and a seed.

`function(text, seed, report)` returns a reward or a `Score`. The module is looked for where
Python looks, and in the working directory. The worker checks the reward, as for every evaluator.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module

from nasdsl.errors import cell_error, name_hints
from nasdsl.search.evaluators.spec import no_options
from nasdsl.search.protocol import Report, Score

ScoreFunction = Callable[[str, int, Report], float | Score]


class FunctionEvaluator:
    """Calls `function`.

    Args:
        function: takes the `.cell` text, the seed, and a function that reports values of a curve.
    """

    def __init__(self, function: ScoreFunction) -> None:
        self.function = function

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """What the function returns, as a score."""
        found = self.function(text, seed, report)
        return found if isinstance(found, Score) else Score(found)


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
    except ModuleNotFoundError as error:
        raise cell_error("NAS882", f"`python:{what}` cannot be imported: {error}") from error
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            hints = name_hints(attribute, dir(found))
            raise cell_error("NAS882", f"`{name}` has no `{attribute}`", *hints)
        found = getattr(found, attribute)
    if not callable(found):
        raise cell_error("NAS882", f"`{what}` cannot be called")
    return FunctionEvaluator(found)
