"""Choices that several settings make together.

Purpose: small questions about settings, asked by the skeleton and by the findings about it.
Non-goals: answers that need a whole skeleton.
"""

from nasdsl.language.genotype.settings import Settings, SkeletonName, StemName
from nasdsl.language.genotype.types import CellKind, Genotype
from nasdsl.network.defaults import DEFAULTS, Defaults
from nasdsl.network.widths import Widths

NEEDED_CELLS: dict[SkeletonName, tuple[CellKind, ...]] = {
    "nasnet": ("normal", "reduction"),
    "pnasnet": ("normal",),
    "amoebanet": ("normal", "reduction"),
    "enas": ("normal", "reduction"),
    "darts": ("normal", "reduction"),
}


def chosen(settings: Settings) -> tuple[SkeletonName, StemName, Defaults]:
    """Skeleton and stem, and what is meant where nothing else is said."""
    name, stem = settings.skeleton or "nasnet", settings.stem or "imagenet"
    return name, stem, DEFAULTS[name, stem]


def image_size(settings: Settings) -> int:
    """The image size asked for, or the default."""
    default = chosen(settings)[2]
    return default.image_size if settings.image_size is None else settings.image_size


def normal_widths(genotype: Genotype) -> Widths:
    """The widths of the last cell, which is a normal cell in every skeleton."""
    cell = genotype.cell("normal")
    assert cell is not None, "settings_findings refuses a genotype without it"
    return Widths(cell, genotype.vocabulary)
