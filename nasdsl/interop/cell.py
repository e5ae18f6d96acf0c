"""Our own text, as a format among the others.

Purpose: `--from cell` and `--to cell`.
Non-goals: anything the language does not do (`nasdsl.loading`, `nasdsl.language.genotype.text`).
"""

from nasdsl.errors import Diagnostic
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.formats import Format
from nasdsl.interop.options import Options
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import Genotype


def read(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of a `.cell` text. Raises as `nasdsl.loads` does."""
    from nasdsl.loading import analyse, genotype_in

    examined = analyse(foreign.source)
    found = genotype_in(examined)
    foreign.findings += examined.diagnostics
    return [found]


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The text, in the one style."""
    return genotype_text(genotype), []


FORMAT = Format(
    title="nasdsl's own text",
    sign=r"(?m)^[ \t]*(genotype|vocabulary)[ \t]+\w+[ \t]*(#.*)?$",
    read=read,
    write=write,
    endings=(".cell",),
    is_ours=True,
)
