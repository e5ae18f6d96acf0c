"""What `nasdsl search` and `search finish` share: flags of engines, and how they stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any

import click

from nasdsl.cli.options import Words, is_given
from nasdsl.search.engines.choosing import ENGINES

_OPTIONS = (
    click.option(
        "--engine",
        type=Words(ENGINES.names()),
        default="local",
        show_default=True,
        help="Evaluate in processes of this machine (local) or on a Ray cluster (ray).",
    ),
    click.option(
        "--address", default="auto", show_default=True, help="Address of the Ray cluster."
    ),
    click.option(
        "--gpus",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="How many GPUs to use; 0 evaluates on the CPU.",
    ),
    click.option(
        "--per-gpu",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="How many workers share a GPU.",
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags that say where networks are evaluated; those without effect are refused."""

    @wraps(command)
    def with_engine(*arguments: Any, **values: Any) -> Any:
        context = click.get_current_context()
        # A search that is continued has what its store says.
        if not values.get("resume"):
            if is_given(context, "address") and values["engine"] == "local":
                raise click.UsageError("--address requires --engine ray.")
            if is_given(context, "per_gpu") and not values["gpus"]:
                raise click.UsageError("--per-gpu requires --gpus.")
        return command(*arguments, **values)

    decorated: Callable[..., Any] = with_engine
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@contextmanager
def interruptible() -> Iterator[None]:
    """Treat SIGTERM, which clusters send, as Ctrl-C while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
