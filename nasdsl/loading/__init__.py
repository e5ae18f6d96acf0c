"""The one way in: from a name, a path or a text to its cells, with every finding of every stage.

`names` says which text a name means, `analysis` what the text says, `members` gives its space or
genotype, and `cells` the cells that a network is then asked for.
"""

from nasdsl.language.analysis import Analysis
from nasdsl.loading.analysis import Beside, analyse, analysis_of, beside_in, nothing_beside
from nasdsl.loading.members import (
    cells_of_text,
    check,
    genotype_in,
    genotype_of,
    hole_findings,
    load,
    load_space,
    loads,
    loads_space,
    space_in,
)
from nasdsl.loading.names import (
    NameOrPath,
    is_library_name,
    preset_name,
    refuse_exports,
    source_of,
)

__all__ = [
    "Analysis",
    "Beside",
    "NameOrPath",
    "analyse",
    "analysis_of",
    "beside_in",
    "cells_of_text",
    "check",
    "genotype_in",
    "genotype_of",
    "hole_findings",
    "is_library_name",
    "load",
    "load_space",
    "loads",
    "loads_space",
    "nothing_beside",
    "preset_name",
    "refuse_exports",
    "source_of",
    "space_in",
]
