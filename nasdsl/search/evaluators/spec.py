"""From a spec such as `table:digits.csv` to an evaluator.

One line of text describes how genotypes are evaluated, on a command line, in a store and for a
worker on another machine. It is `KIND`, `KIND:WHAT` or `KIND:WHAT?KEY=VALUE&...`, and the
kind's file describes what it takes.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl

from nasdsl.errors import cell_error, first_line, install_hint, listed
from nasdsl.registry import Registry, missing_package
from nasdsl.search.protocol import Evaluator
from nasdsl.values import typed

#: `(what, options) -> Evaluator`: makes an evaluator of what follows the kind in a spec.
EvaluatorMaker = Callable[[str, dict[str, str]], Evaluator]

#: The installed kinds of evaluators.
EVALUATORS: Registry[EvaluatorMaker] = Registry(
    kind="evaluator",
    group="nasdsl.evaluators",
    type=Callable,  # type: ignore[arg-type]
    unknown="NAS882",
    extra="search",
    requirement="a kind of evaluator is a callable `(what, options)` that makes an evaluator",
    first=("train", "table", "supernet", "proxy", "latency", "python"),
    list_of_all="the kinds are",
)


@typed
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
    make = EVALUATORS.find(kind)
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(has_options)))
    except ValueError as error:
        raise cell_error(
            "NAS882", f"the options of evaluator {spec!r:.80} are not KEY=VALUE&KEY=VALUE"
        ) from error
    try:
        made = make(what, options)
    except ModuleNotFoundError as error:
        # A kind imports what it needs when it is made: images, for one, and a function's module.
        missing = missing_package(error)
        if missing is None:
            raise cell_error(
                "NAS882", f"evaluator `{head:.60}` cannot be made: {first_line(error)}"
            ) from error
        raise cell_error(
            "NAS701",
            f"evaluator `{head:.60}` needs `{missing}`, which is not installed",
            install_hint("search"),
        ) from error
    if not hasattr(made, "evaluate"):
        raise cell_error(
            "NAS882",
            f"`{kind}` is offered as an evaluator but is not one",
            "an evaluator has `evaluate(text, seed, report)`",
        )
    return made


def no_options(kind: str, options: dict[str, str]) -> None:
    """Check that there are no options.

    Raises:
        CellError: NAS882.
    """
    if options:
        raise cell_error(
            "NAS882", f"the evaluator `{kind}` takes no options, but was given {listed(options)}"
        )
