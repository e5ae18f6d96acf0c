"""The flags about passes, as one `Pipeline`.

Purpose: `pass_options`, for commands that hand a network to a backend.
"""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from nasdsl.errors import listed

if TYPE_CHECKING:
    from nasdsl.network.graph import NetworkGraph
    from nasdsl.passes import Pipeline


def complete_pass(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Installed passes, behind those that are written already."""
    from nasdsl.passes import PASSES

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in PASSES.names() if name.startswith(last)]


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
            help="Print the network to standard error after this pass. May be repeated.",
        ),
        click.option(
            "--passes",
            metavar="PASS,...",
            callback=_names,
            shell_complete=complete_pass,
            help="Run these passes on the network, in place of the backend's own.",
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
    from nasdsl.passes import Pipeline

    if print_after:
        from nasdsl import backend as backends

        running = backends.passes_of(backends.find(backend)) if passes is None else passes
        for name in print_after:
            if name not in running:
                what = f"these passes run: {listed(running)}" if running else "no pass runs"
                raise click.UsageError(f"--print-after {name}: {what}.")

    def printed(name: str, graph: "NetworkGraph") -> None:
        if name in print_after:
            from nasdsl.network.text import graph_text

            click.echo(f"after {name}:\n{graph_text(graph)}", err=True)

    return Pipeline(passes, verify or None, printed if print_after else None)
