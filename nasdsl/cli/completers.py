"""What a shell offers when a word of the command line is completed.

Purpose: functions for `shell_complete`, and `installed`, which help texts use for the same names.
Non-goals: the shells' scripts (`nasdsl.cli.completion`). Nothing heavy is imported here, because
people wait for a completion, and none of these functions fails where a word makes no sense.
"""

from collections.abc import Callable, Iterable
from glob import escape, glob

import click
from click.shell_completion import CompletionItem

from nasdsl.errors import CellError

Completer = Callable[[click.Context, click.Parameter, str], list[str]]

_FOLDERS = ("cifar10", "cifar100", "imagefolder", "imagenet")
#: How a thing of a kind is written, where its name alone is not enough.
_FORMS = {
    "datasets": {name: f"{name}:PATH" for name in _FOLDERS},
    "evaluators": {
        "latency": "latency?KEY=VALUE&...",
        "predicted": "predicted:FILE",
        "proxy": "proxy:NAME",
        "python": "python:MODULE:FUNCTION",
        "supernet": "supernet:RUN",
        "table": "table:FILE",
        "train": "train?KEY=VALUE&...",
    },
}
#: What the program itself asks for, and nobody writes.
_OWN = {"evaluators": {"finish", "objectives"}}


def installed(kind: str) -> list[str]:
    """The names of what is installed of a kind, such as `recipes`; nothing of it is imported."""
    from nasdsl.metadata import entry_points

    return sorted({entry.name for entry in entry_points(f"nasdsl.{kind}")})


def algorithms() -> list[str]:
    """Everything that `nasdsl search --algorithm` takes: searchers and one-shot algorithms."""
    return sorted({*installed("searchers"), *installed("oneshot")})


def complete_algorithm(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of search algorithms."""
    return _beginning(incomplete, algorithms())


def forms(kind: str) -> list[str]:
    """What is installed of a kind, each as it is written: `cifar10:PATH`, `digits`, ..."""
    own = _OWN.get(kind, ())
    return [_FORMS[kind].get(name, name) for name in installed(kind) if name not in own]


def complete_installed(kind: str) -> Completer:
    """Completes the names of what is installed of a kind."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        return _beginning(incomplete, installed(kind))

    return complete


def complete_file(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Library names and `.cell` files; other files where there are neither."""
    names = [*_library_names(), *glob(f"{escape(incomplete)}*.cell")]
    found = sorted({name for name in names if name.startswith(incomplete)})
    return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, "file")]


def complete_preset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Presets of the genotypes that are named; those of every genotype where none is yet."""
    from nasdsl import library

    given = ctx.params.get("file") or ()
    names = (given,) if isinstance(given, str) else given
    presets = [preset for name in names or library.names() for preset in library.presets(name)]
    return _beginning(incomplete, dict.fromkeys(presets))


def complete_vocabulary(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Vocabularies of the library."""
    from nasdsl import library

    return _beginning(incomplete, library.vocabulary_names())


def complete_pass(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Installed passes, behind those that are written already."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(last, installed("passes"))]


def complete_recipe(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Installed recipes and `.toml` files."""
    names = [*installed("recipes"), *glob(f"{escape(incomplete)}*.toml")]
    return [CompletionItem(name) for name in _beginning(incomplete, names)] or [
        CompletionItem(incomplete, "file")
    ]


def complete_change(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Values of a recipe as `KEY=`; after it, the words that the value may be."""
    from nasdsl.train.recipe import VALUES

    key, equals, start = incomplete.partition("=")
    if not equals:
        return [f"{name}=" for name in _beginning(key, VALUES)]
    values = VALUES.get(key)
    words = ("true", "false") if values and values.type is bool else values and values.words
    return [f"{key}={word}" for word in _beginning(start, words or ())]


def complete_option(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Options of the search algorithm as `KEY=`, and settings where it trains a super-network."""
    from nasdsl.language.genotype.settings import RULES
    from nasdsl.oneshot.method import METHODS
    from nasdsl.search.searchers import options_of

    name = ctx.params.get("algorithm") or "random"
    try:
        if name in METHODS:
            return [
                f"{each}=" for each in _beginning(incomplete, [*METHODS.find(name).names(), *RULES])
            ]
        options = options_of(name)
    except CellError:
        return []
    return [f"{name}=" for name in _beginning(incomplete, options)]


def complete_evaluator(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Kinds of evaluators; after `proxy:`, the zero-cost scores."""
    if incomplete.startswith("proxy:"):
        return _beginning(incomplete, [f"proxy:{name}" for name in installed("proxies")])
    return _beginning(incomplete, map(_up_to_colon, forms("evaluators")))


def complete_objective(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The objectives that need no table."""
    return _beginning(incomplete, ["accuracy", "latency:min", "params:min", "mult_adds:min"])


def complete_fidelity(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Rules of promotion, and the pruners of Optuna that need nothing more."""
    pruners = [f"{name}Pruner" for name in ("Hyperband", "Median", "Nop", "SuccessiveHalving")]
    return _beginning(incomplete, ["asha", "hyperband", *pruners])


def complete_data(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Data sets; a colon follows those that need a folder."""
    return _beginning(incomplete, map(_up_to_colon, forms("datasets")))


def complete_device(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The usual names of devices."""
    return _beginning(incomplete, ["cpu", "cuda", "mps"])


def _up_to_colon(form: str) -> str:
    return "".join(form.partition(":")[:2]).partition("?")[0]


def _library_names() -> list[str]:
    from nasdsl import library

    return [*library.names(), *library.vocabulary_names()]


def _beginning(start: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(start)]
