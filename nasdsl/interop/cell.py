"""Our own text, as a format among the others.

Purpose: `--from cell` and `--to cell`.
Non-goals: anything the language does not do (`nasdsl.loading`, `nasdsl.genotype.text`).
"""

from nasdsl.errors import Diagnostic
from nasdsl.genotype.text import genotype_text
from nasdsl.genotype.types import Genotype
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.options import Options


def read(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of a `.cell` text. Raises as `nasdsl.loads` does."""
    from nasdsl.loading import examine, genotype_in

    examined = examine(foreign.source)
    found = genotype_in(examined)
    foreign.findings += examined.diagnostics
    return [found]


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The text, in the one style."""
    return genotype_text(genotype), []
