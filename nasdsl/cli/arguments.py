"""Arguments and options that several commands share.

Purpose: FILE with its completion, `--json`.
Non-goals: the network's settings (`nasdsl.cli.settings_flags`).
"""

from collections.abc import Callable
from glob import escape, glob
from typing import Any

import click
from click.shell_completion import CompletionItem


def complete_file(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Library names and `.cell` files; other files where there are neither."""
    names = [*_library_names(), *glob(f"{escape(incomplete)}*.cell")]
    found = sorted({name for name in names if name.startswith(incomplete)})
    return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, "file")]


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Library names."""
    return [name for name in _library_names() if name.startswith(incomplete)]


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def file_argument(name: str = "FILE", *, several: bool = False) -> Decorator:
    """The argument `name`: a path, a library name or `-`, passed on in lower case."""
    return click.argument(
        name.lower(),
        metavar=f"{name}..." if several else name,
        shell_complete=complete_file,
        nargs=-1 if several else 1,
        required=True,
    )


def json_option(help: str = "Print a JSON object instead.") -> Decorator:
    """The flag `--json`, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=help)


def is_given(context: click.Context, name: str) -> bool:
    """Whether a parameter was on the command line."""
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _library_names() -> list[str]:
    from nasdsl import library

    return [*library.names(), *library.vocabulary_names()]
