"""nasdsl: a language and a compiler for neural architecture cells.

Purpose: the public names, each imported when it is first used, so that `import nasdsl` is
quick and never imports torch.
Non-goals: anything else; every name is documented where it is defined.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nasdsl.language.genotype.display import answered_by
from nasdsl.resources import checkout
from nasdsl.version import __version__ as __version__

if TYPE_CHECKING:
    from nasdsl import export, interop, train, weights
    from nasdsl.api.compile import compile
    from nasdsl.api.library_entries import LibraryEntry, library_entries
    from nasdsl.api.proof import Proof, prove
    from nasdsl.api.request import cost
    from nasdsl.api.trained import WeightsFile
    from nasdsl.canonical import canonical_form, canonical_hash, differences
    from nasdsl.errors import CellError, Diagnostic
    from nasdsl.language.genotype.settings import Settings
    from nasdsl.language.genotype.text import genotype_text, space_text
    from nasdsl.language.genotype.types import (
        Block,
        BlockState,
        Cell,
        Genotype,
        Hidden,
        Output,
        Space,
    )
    from nasdsl.language.genotype.vocabulary import Combine, Op, Vocabulary
    from nasdsl.loading import load, load_space, loads, loads_space
    from nasdsl.network.cost import Cost
    from nasdsl.space import (
        contains,
        count,
        count_distinct,
        enumerate_genotypes,
        mutate,
        neighbours,
        sample,
    )

_HOMES = {
    "nasdsl.canonical": ("canonical_form", "canonical_hash", "differences"),
    "nasdsl.api.compile": ("compile",),
    "nasdsl.api.library_entries": ("LibraryEntry", "library_entries"),
    "nasdsl.api.proof": ("Proof", "prove"),
    "nasdsl.api.trained": ("WeightsFile",),
    "nasdsl.network.cost": ("Cost",),
    "nasdsl.errors": ("CellError", "Diagnostic"),
    "nasdsl.language.genotype.settings": ("Settings",),
    "nasdsl.language.genotype.text": ("genotype_text", "space_text"),
    "nasdsl.language.genotype.types": (
        "Block",
        "BlockState",
        "Cell",
        "Genotype",
        "Hidden",
        "Output",
        "Space",
    ),
    "nasdsl.language.genotype.vocabulary": ("Combine", "Op", "Vocabulary"),
    "nasdsl.loading": ("load", "load_space", "loads", "loads_space"),
    "nasdsl.api.request": ("cost",),
    "nasdsl.space": (
        "contains",
        "count",
        "count_distinct",
        "enumerate_genotypes",
        "mutate",
        "neighbours",
        "sample",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
#: Modules that are public as they are: `nasdsl.weights.load`, `nasdsl.export.write`.
_MODULES = ("export", "interop", "train", "weights")

__all__ = [
    "Block",
    "BlockState",
    "Cell",
    "CellError",
    "Combine",
    "Cost",
    "Diagnostic",
    "Genotype",
    "Hidden",
    "LibraryEntry",
    "Op",
    "Output",
    "Proof",
    "Settings",
    "Space",
    "Vocabulary",
    "WeightsFile",
    "canonical_form",
    "canonical_hash",
    "compile",
    "contains",
    "cost",
    "count",
    "count_distinct",
    "differences",
    "enumerate_genotypes",
    "export",
    "genotype_text",
    "interop",
    "library_entries",
    "load",
    "load_space",
    "loads",
    "loads_space",
    "mutate",
    "neighbours",
    "prove",
    "sample",
    "space_text",
    "train",
    "weights",
]

# A checkout's backends lie beside the package, and come before those of another clone.
if (_root := checkout()) is not None:
    sys.path.insert(0, str(_root / "backends"))

# Values show themselves in notebooks, and the drawing is imported when one does.
answered_by("nasdsl.drawing.notebook:bundle")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"nasdsl.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'nasdsl' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
