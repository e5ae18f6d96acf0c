"""What a caller may choose about a picture.

Purpose: one value that every drawing takes.
Non-goals: what is drawn; where the picture goes.
"""

from dataclasses import dataclass
from typing import get_args

from nasdsl.drawing.sketch import Direction
from nasdsl.drawing.themes import ThemeName

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True, slots=True)
class Options:
    """Choices about a picture.

    Attributes:
        theme: `light` for pages, `dark` for dark ones, `print` for black ink.
        direction: which way the states flow; `up` has the inputs at the bottom.
        legend: whether to say what the colours mean.
    """

    theme: ThemeName = "light"
    direction: Direction = "up"
    legend: bool = False


DEFAULT = Options()
