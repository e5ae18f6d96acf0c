"""From a spec such as `table:digits.csv` to an evaluator.

Purpose: one line of text says how genotypes are evaluated, on a command line, in a store and
to a worker on another machine. It is `KIND`, `KIND:WHAT` or `KIND:WHAT?KEY=VALUE&...`, and the
kind's file says what it takes.
Non-goals: evaluating.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

from nasdsl.errors import cell_error, install_hint, listed, nearest
from nasdsl.search.protocol import Evaluator

#: The kinds, and the function that makes one: `(what, options) -> Evaluator`.
KINDS = {
    "train": "nasdsl.search.evaluators.training:trained",
    "table": "nasdsl.search.evaluators.table:tabulated",
    "proxy": "nasdsl.search.evaluators.proxy:scored",
    "python": "nasdsl.search.evaluators.python:called",
}


def evaluator(spec: str) -> Evaluator:
    """The evaluator of a spec; what it needs is imported and read now.

    Args:
        spec: for example `train?data=digits&recipe=search`, `table:FILE`,
            `proxy:synflow?N=2&filters=32`, `python:my_module:my_function`.

    Raises:
        CellError: NAS882 (the spec), NAS701 (a package is missing), or what the kind itself
            refuses.
    """
    head, has_options, query = spec.partition("?")
    kind, _, what = head.partition(":")
    if kind not in KINDS:
        guess = nearest(kind, KINDS)
        raise cell_error(
            "NAS882",
            f"no kind of evaluator is called {kind!r:.60}",
            f"did you mean `{guess}`?" if guess else f"the kinds are {listed(KINDS)}",
        )
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(has_options)))
    except ValueError as error:
        raise cell_error(
            "NAS882", f"the options of evaluator {spec!r:.80} are not KEY=VALUE&KEY=VALUE"
        ) from error
    module, _, function = KINDS[kind].partition(":")
    try:
        make: Callable[..., Any] = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        raise cell_error(
            "NAS701",
            f"the evaluator `{kind}` needs `{missing}`, which is not installed",
            install_hint("search"),
        ) from error
    made: Evaluator = make(what, options)
    return made


def no_options(kind: str, options: dict[str, str]) -> None:
    """Refuse options where there are none.

    Raises:
        CellError: NAS882.
    """
    if options:
        raise cell_error(
            "NAS882", f"the evaluator `{kind}` takes no options, and has {listed(options)}"
        )
