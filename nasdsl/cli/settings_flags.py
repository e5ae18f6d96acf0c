"""A flag for every network setting, made from the one table of settings.

Purpose: `settings_options`, shared by the commands that build a network.
Non-goals: defaults, and whether settings go together (`nasdsl.network.complete`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from nasdsl.language.genotype.settings import RULES, Setting, Settings
from nasdsl.values import Value


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags to a command, which receives them together as `settings`.

    Flags that were not given are None in the `Settings`, so a file's own choices stand.
    """

    @wraps(command)
    def with_settings(**values: Any) -> Any:
        given = {name: values.pop(name) for name in RULES}
        return command(settings=Settings(**given), **values)

    decorated: Callable[..., Any] = with_settings
    for name in reversed(RULES):
        decorated = _option(name, RULES[name])(decorated)
    return decorated


def preset_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--preset`; a command receives, as `file`, the library's network that it means."""

    @wraps(command)
    def with_preset(file: str | tuple[str, ...], preset: str | None, **values: Any) -> Any:
        if preset is not None:
            from nasdsl.loading import preset_name

            if isinstance(file, str):
                file = preset_name(file, preset)
            else:
                file = tuple(preset_name(name, preset) for name in file)
        return command(file=file, **values)

    return click.option(
        "--preset",
        metavar="NAME",
        shell_complete=complete_preset,
        help="Take the published network of a library genotype: cifar, imagenet, mobile, ...",
    )(with_preset)


def complete_preset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Presets of the genotype that comes before."""
    from nasdsl import library

    files = ctx.params.get("file") or ()
    names = (files,) if isinstance(files, str) else files
    found = [preset for name in names for preset in library.presets(name)]
    return [preset for preset in found if preset.startswith(incomplete)]


def ops_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--ops`, which a command receives as `ops`: a vocabulary's name or None."""
    return click.option(
        "--ops",
        metavar="NAME",
        shell_complete=complete_vocabulary,
        help="Read the cells in another vocabulary of the library, such as nasnet_keras.",
    )(command)


def complete_vocabulary(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Vocabularies of the library."""
    from nasdsl import library

    return [name for name in library.vocabulary_names() if name.startswith(incomplete)]


def _option(name: str, rule: Setting) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag = f"--{name.replace('_', '-')}"
    help = rule.sentence
    if rule.type is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=help)
    if rule.type is str:
        return click.option(flag, name, type=_Words(rule), help=help)
    flags = [flag] if flag == flag.lower() else [flag, flag.lower()]
    return click.option(*flags, name, callback=_number, metavar="NUMBER", help=help)


class _Words(click.Choice[str]):
    """The words of a setting, looked up among what is installed when they are needed."""

    def __init__(self, rule: Setting) -> None:
        self.rule = rule
        self.case_sensitive = True

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The words that are legal now."""
        return self.rule.words


def _number(ctx: click.Context, param: click.Parameter, value: str | None) -> Value | None:
    """The number, held to the rule that files are held to."""
    if value is None:
        return None
    assert param.name is not None
    found: Value | None = RULES[param.name].legal(value)
    if found is None:
        raise click.BadParameter(
            f"{value[:40]!r} is not {RULES[param.name].description}.", ctx, param
        )
    return found
