"""Text that is safe to print, in colour where it is asked for.

Everything that comes from outside goes through `visible` before it is printed or drawn. `Paint`
adds the few ANSI styles of a report.
"""

from typing import NamedTuple

from nasdsl.errors.visible import (
    TAB,
    encodable,
    shortened,
    visible,
    visible_source,
    visible_text,
)

__all__ = ["TAB", "Paint", "encodable", "shortened", "visible", "visible_source", "visible_text"]

_STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "help": "bold cyan",
    "second": "bold blue",
    "gutter": "bold blue",
    "strong": "bold",
    "added": "bold green",
    "removed": "bold red",
}


class Paint(NamedTuple):
    """Puts text in a style; without colour it changes nothing."""

    colour: bool

    def __call__(self, style: str, text: str) -> str:
        """`text` in a style of this module ("" for none)."""
        if not self.colour or not style or not text:
            return text
        # Imported here because most reports are not coloured.
        from rich.color import ColorSystem
        from rich.style import Style

        return Style.parse(_STYLES[style]).render(text, color_system=ColorSystem.STANDARD)
