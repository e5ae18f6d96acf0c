"""Options as help shows them: with a short word for their value, and its choices in the text.

click would print every choice and the range of every number beside the flag, which leaves no room
for the text in a narrow terminal.
"""

from collections.abc import Iterable
from copy import copy

import click


def shown_options(params: Iterable[click.Parameter]) -> list[click.Parameter]:
    """The parameters of a command for its help; nothing is parsed with them."""
    return [_shown(each) if isinstance(each, click.Option) else each for each in params]


def _shown(option: click.Option) -> click.Option:
    """An option with its choices in the text and without the range of its number."""
    shown = copy(option)
    kind = option.type
    if option.secondary_opts:
        (flag,) = option.opts
        shown.opts, shown.secondary_opts = [flag.replace("--", "--[no-]", 1)], []
    if isinstance(kind, click.Choice) and option.metavar is None:
        choices = [str(choice) for choice in kind.choices]
        said = option.help or ""
        shown.metavar = "NAME"
        shown.type = click.STRING
        if not all(choice in said for choice in choices):
            text, default, rest = said.partition("  [default")
            shown.help = f"{text.rstrip('.')}: {', '.join(choices)}.{default}{rest}"
    elif isinstance(kind, click.IntRange | click.FloatRange) or kind in (click.INT, click.FLOAT):
        shown.metavar = option.metavar or "NUMBER"
        shown.type = click.INT
    return shown
