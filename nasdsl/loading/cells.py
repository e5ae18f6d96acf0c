"""`source_cells`: the cells of any source, before their network is asked for.

It is not among what `nasdsl.loading` offers at once, because it brings the network along.
"""

from nasdsl import library
from nasdsl.language.genotype.types import Genotype
from nasdsl.loading.analysis import analyse
from nasdsl.loading.members import genotype_in
from nasdsl.loading.names import NameOrPath, source_of
from nasdsl.loading.vocabulary import in_vocabulary, require_known_names
from nasdsl.network.source import SourceCells


def source_cells(source: NameOrPath | Genotype, *, ops: str | None = None) -> SourceCells:
    """The cells of a source, in another vocabulary if asked.

    Raises:
        CellError: what `load` raises, but for the text's own network, which is not looked at;
            NAS201 and NAS202 for names the vocabulary lacks.
    """
    analysis = None
    if isinstance(source, Genotype):
        own = source
        require_known_names(own)
    else:
        analysis = analyse(source_of(source), network=False)
        own = genotype_in(analysis)
    return SourceCells(
        own if ops is None else in_vocabulary(own, library.vocabulary(ops)), own, analysis
    )
