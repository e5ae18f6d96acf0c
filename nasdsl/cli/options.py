"""Arguments and options that several commands share.

Purpose: FILE, `--json`, a flag for every network setting, the flags about
passes, and those of a training.
Non-goals: defaults, and whether settings go together (`nasdsl.network.complete`); pictures
(`nasdsl.cli.picture_output`); completion (`nasdsl.cli.completers`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli.completers import (
    complete_change,
    complete_device,
    complete_file,
    complete_pass,
    complete_preset,
    complete_recipe,
    complete_vocabulary,
    installed,
)
from nasdsl.errors import listed, name_hints
from nasdsl.language.genotype.settings import RULES, Setting, Settings
from nasdsl.values import Value

if TYPE_CHECKING:
    from nasdsl.network.graph import NetworkGraph
    from nasdsl.passes import Pipeline

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


class Words(click.Choice[str]):
    """A choice between words; a misspelt one leads to the nearest."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """What click says, and a guess."""
        hints = name_hints(str(value), self.choices)
        return "; ".join([super().get_invalid_choice_message(value, ctx).rstrip("."), *hints])


class NumberRange(click.FloatRange):
    """A number within bounds. NaN is within any, and infinity within open ones; neither will do."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """What click reads, where it is finite."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def form_option(help: str) -> Decorator:
    """The flag `--form`: what two genotypes have to share to be equal."""
    # Imported here because few commands need it.
    from nasdsl.canonical import FORMS

    return click.option(
        "--form", type=Words(FORMS), default="structure", show_default=True, help=help
    )


def is_given(context: click.Context, name: str) -> bool:
    """Whether a parameter was on the command line."""
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


# -- settings of a network -------------------------------------------------------------------


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


def weights_options(help: str) -> Decorator:
    """The flags `--weights`, with that help, `--layout` and `--drop-background`."""
    # Most commands have no such flags, and do not read which layouts are installed.
    from nasdsl.weights.registry import LAYOUTS

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option(
                "--drop-background",
                is_flag=True,
                help="Drop class 0 of --weights, which slim uses for the background.",
            ),
            click.option(
                "--layout",
                type=Words(["auto", *LAYOUTS]),
                default="auto",
                show_default=True,
                help="Naming scheme of the tensors in --weights.",
            ),
            click.option("--weights", metavar="PATH", type=click.Path(), help=help),
        ):
            command = option(command)
        return command

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
        help="Published network of a library genotype: cifar, imagenet, mobile, ...",
    )(with_preset)


def ops_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--ops`, which a command receives as `ops`: a vocabulary's name or None."""
    return click.option(
        "--ops",
        metavar="NAME",
        shell_complete=complete_vocabulary,
        help="Read the cells with another library vocabulary, such as nasnet_keras.",
    )(command)


def _option(name: str, rule: Setting) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag = f"--{name.replace('_', '-')}"
    help = rule.sentence
    if rule.type is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=help)
    if rule.type is str:
        return click.option(flag, name, type=_SettingWords(rule), help=help)
    flags = [flag] if flag == flag.lower() else [flag, flag.lower()]
    return click.option(*flags, name, callback=_number, metavar="NUMBER", help=help)


class _SettingWords(Words):
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


# -- passes ----------------------------------------------------------------------------------


def pass_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags to a command that builds a network; it receives them as `pipeline`."""

    @wraps(command)
    def with_pipeline(
        *arguments: Any,
        passes: tuple[str, ...] | None,
        print_after: tuple[str, ...],
        verify_passes: bool,
        **values: Any,
    ) -> Any:
        if values.get("is_optimized") and passes is None:
            from nasdsl.export.formats import FORMATS
            from nasdsl.passes import FOR_INFERENCE

            form = FORMATS.get(Path(values.get("out") or "").suffix.lower())
            passes = FOR_INFERENCE if form is None else form.passes
        elif values.get("runtime") is not None:
            from nasdsl import runtimes

            found = runtimes.find(values["runtime"])
            passes = found.passes if passes is None else passes
        backend = values.get("backend", "torch")
        pipeline = _pipeline(backend, passes, print_after, verify_passes)
        return command(*arguments, pipeline=pipeline, **values)

    decorated: Callable[..., Any] = with_pipeline
    for option in (
        click.option(
            "--verify-passes",
            is_flag=True,
            help="Check the network and its parameters after each pass.",
        ),
        click.option(
            "--print-after",
            metavar="PASS",
            multiple=True,
            shell_complete=complete_pass,
            help="Print the network to standard error after this pass; may be repeated.",
        ),
        click.option(
            "--passes",
            metavar="PASS,...",
            callback=_names,
            shell_complete=complete_pass,
            help="Run these passes instead of those of the backend: "
            f"{', '.join(installed('passes'))}.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """The names between the commas; an empty text names none."""
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _pipeline(
    backend: str, passes: tuple[str, ...] | None, print_after: tuple[str, ...], verify: bool
) -> "Pipeline":
    from nasdsl import backend as backends
    from nasdsl.passes import PASSES, Pipeline

    asked = Pipeline(passes, verify or None)
    backends.require_names(backend, asked)
    for name in print_after:
        PASSES.require(name)
    if print_after:
        running = backends.passes_of(backends.find(backend)) if passes is None else passes
        for name in print_after:
            if name not in running:
                what = f"these passes run: {listed(running)}" if running else "no pass runs"
                raise click.UsageError(f"--print-after {name}: {what}.")

    def printed(name: str, graph: "NetworkGraph") -> None:
        if name in print_after:
            from nasdsl.network.text import graph_text

            click.echo(f"after {name}:\n{graph_text(graph)}", err=True)

    return replace(asked, after=printed) if print_after else asked


# -- a training ------------------------------------------------------------------------------


def recipe_option(default: str) -> Decorator:
    """`--recipe`, passed on as `recipe`."""
    return click.option(
        "--recipe",
        default=default,
        show_default=True,
        metavar="NAME",
        shell_complete=complete_recipe,
        help=f"Recipe: {', '.join(installed('recipes'))}, or a .toml file.",
    )


set_option = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=complete_change,
    help="Change a value of the recipe; may be repeated.",
)
download_option = click.option(
    "--download", is_flag=True, help="Download the data set if it is missing."
)
scan_option = click.option(
    "--no-scan", is_flag=True, help="Skip the search for damaged images before the training."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many processes load images.",
)
device_option = click.option(
    "--device",
    metavar="DEVICE",
    shell_complete=complete_device,
    help="Device: cpu, cuda or mps.  [default: an accelerator if there is one]",
)
precision_option = click.option(
    "--precision",
    type=Words(["fp32", "bf16", "fp16"]),
    help="Precision: fp32, or automatic mixed precision in bf16 or, on CUDA, fp16.",
)


def changes_of(flags: Mapping[str, Any]) -> list[str]:
    """`--precision` and `--set`, which wins where both say something."""
    precision = flags["precision"]
    return [*([] if precision is None else [f"precision={precision}"]), *flags["changes"]]
