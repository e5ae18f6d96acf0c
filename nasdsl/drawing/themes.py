"""What things look like, and what a caller may choose about it.

A theme gives every look a fill, a line and a colour of letters: the palette of Zoph et al. 2018,
Figure 4 (white inputs, yellow ops, green combines, pink outputs), one for dark pages, and one
that survives a photocopier. Shapes and sizes are in `nasdsl.drawing.picture`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

ThemeName = Literal["light", "dark", "print"]
THEMES: tuple[ThemeName, ...] = get_args(ThemeName)

#: What a box may look like. Ops have the look of their kind, see `nasdsl.drawing.sketch`.
BoxLook = Literal[
    "input",
    "separable",
    "dilated",
    "convolution",
    "max_pool",
    "avg_pool",
    "identity",
    "zero",
    "other",
    "combine",
    "output",
    "choice",
    "open",
    "open_combine",
    "same",
    "added",
    "removed",
    "changed",
    "cell_normal",
    "cell_reduction",
    "stem",
    "head",
    "note",
]
#: What a line may look like.
Stroke = Literal["plain", "newest", "older", "skip", "may", "same", "added", "removed"]

#: Which way the states flow.
Direction = Literal["up", "down", "left", "right"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True, slots=True)
class DrawingOptions:
    """Choices about a picture.

    Attributes:
        theme: `light` for pages, `dark` for dark ones, `print` for black ink.
        direction: which way the states flow; `up` has the inputs at the bottom.
        legend: whether to say what the colours mean.
        title: whether the name of the genotype or space stands above its cells.
        names: whether blocks of a genotype have their names, as those of a space always do.
    """

    theme: ThemeName = "light"
    direction: Direction = "up"
    legend: bool = False
    title: bool = False
    names: bool = False


DEFAULT = DrawingOptions()


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of a box as #rrggbb, and whether its outline is dashed."""

    fill: str
    line: str
    letters: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a whole picture.

    Attributes:
        name: of the theme.
        background: of the page.
        letters: of titles and notes.
        boxes: the ink of each look.
        dim: the ink of what reaches no output.
        strokes: colours of lines.
        dim_stroke: the colour of lines of what reaches no output.
        dashed: the strokes that are dashed.
    """

    name: ThemeName
    background: str
    letters: str
    boxes: Mapping[BoxLook, Ink]
    dim: Ink
    strokes: Mapping[Stroke, str]
    dim_stroke: str
    dashed: frozenset[Stroke] = frozenset({"may", "removed"})


def find_theme(name: ThemeName) -> Theme:
    """The theme of that name."""
    return {"light": LIGHT, "dark": DARK, "print": PRINT}[name]


def _inks(line: str, letters: str, fills: Mapping[BoxLook, str]) -> dict[BoxLook, Ink]:
    dashed = ("choice", "open", "open_combine", "removed")
    return {look: Ink(fill, line, letters, look in dashed) for look, fill in fills.items()}


_LIGHT_INKS = _inks(
    "#4d4a44",
    "#1c1b19",
    {
        "input": "#ffffff",
        "separable": "#ffe08a",
        "dilated": "#fbc96b",
        "convolution": "#f4d58d",
        "max_pool": "#fff2b3",
        "avg_pool": "#fff8d6",
        "identity": "#fffdf2",
        "zero": "#f4f1e6",
        "other": "#ffeaa7",
        "combine": "#bfe5b5",
        "output": "#f7c3d4",
        "choice": "#ffffff",
        "open": "#fff2b3",
        "open_combine": "#d8efd2",
        "same": "#f2f1ee",
        "cell_normal": "#d6e6f7",
        "cell_reduction": "#fbd9b5",
        "stem": "#eeece6",
        "head": "#f7c3d4",
        "note": "#ffffff",
    },
)

LIGHT = Theme(
    "light",
    "#ffffff",
    "#1c1b19",
    {
        **_LIGHT_INKS,
        "same": Ink("#f5f4f1", "#a19d94", "#55524c"),
        "added": Ink("#c9efcf", "#1b7f37", "#0d4a1e"),
        "removed": Ink("#fde0dc", "#c2331f", "#8a1f10", dashed=True),
        "changed": Ink("#ffe9b8", "#b07400", "#6b4700"),
    },
    Ink("#f8f7f5", "#c4c0b8", "#a6a198", dashed=True),
    {
        "plain": "#5c5952",
        "newest": "#2f66a3",
        "older": "#a2571c",
        "skip": "#8d8a83",
        "may": "#8d8a83",
        "same": "#a19d94",
        "added": "#1b7f37",
        "removed": "#c2331f",
    },
    "#d3d0c9",
)

DARK = Theme(
    "dark",
    "#16181d",
    "#e8e6e1",
    {
        **_inks(
            "#8f8b82",
            "#f3f1ec",
            {
                "input": "#2a2d35",
                "separable": "#7a5c12",
                "dilated": "#8a4f14",
                "convolution": "#6f5a2a",
                "max_pool": "#5c4f1a",
                "avg_pool": "#4a4320",
                "identity": "#3a3727",
                "zero": "#2f2e2a",
                "other": "#66561f",
                "combine": "#2b5a34",
                "output": "#7a3350",
                "choice": "#1f2229",
                "open": "#4a4320",
                "open_combine": "#24402b",
                "cell_normal": "#2a4663",
                "cell_reduction": "#6b4520",
                "stem": "#33363e",
                "head": "#7a3350",
                "note": "#16181d",
            },
        ),
        "same": Ink("#23262d", "#666a73", "#b4b1aa"),
        "added": Ink("#16452a", "#4cc474", "#c9f5d5"),
        "removed": Ink("#4d1f1b", "#f07a68", "#ffd6cf", dashed=True),
        "changed": Ink("#553d0a", "#e0a93a", "#ffebc2"),
    },
    Ink("#1c1e24", "#4a4d55", "#70737b", dashed=True),
    {
        "plain": "#b5b1a8",
        "newest": "#7fb2ec",
        "older": "#e3a36a",
        "skip": "#7d7f86",
        "may": "#7d7f86",
        "same": "#666a73",
        "added": "#4cc474",
        "removed": "#f07a68",
    },
    "#3c3f47",
)

PRINT = Theme(
    "print",
    "#ffffff",
    "#000000",
    {
        **_inks(
            "#000000",
            "#000000",
            {
                "input": "#ffffff",
                "separable": "#e2e2e2",
                "dilated": "#d2d2d2",
                "convolution": "#dadada",
                "max_pool": "#ededed",
                "avg_pool": "#f4f4f4",
                "identity": "#ffffff",
                "zero": "#ffffff",
                "other": "#e8e8e8",
                "combine": "#ffffff",
                "output": "#c6c6c6",
                "choice": "#ffffff",
                "open": "#f4f4f4",
                "open_combine": "#ffffff",
                "cell_normal": "#f0f0f0",
                "cell_reduction": "#d6d6d6",
                "stem": "#ffffff",
                "head": "#ffffff",
                "note": "#ffffff",
            },
        ),
        "same": Ink("#ffffff", "#8c8c8c", "#5a5a5a"),
        "added": Ink("#dcdcdc", "#000000", "#000000"),
        "removed": Ink("#ffffff", "#000000", "#000000", dashed=True),
        "changed": Ink("#eeeeee", "#000000", "#000000"),
    },
    Ink("#ffffff", "#b8b8b8", "#999999", dashed=True),
    {
        "plain": "#000000",
        "newest": "#000000",
        "older": "#6e6e6e",
        "skip": "#6e6e6e",
        "may": "#6e6e6e",
        "same": "#8c8c8c",
        "added": "#000000",
        "removed": "#000000",
    },
    "#cccccc",
)
