"""The canonical form: one genotype for all that are the same up to names and order."""

from nasdsl.canonical.differences import Difference, differences
from nasdsl.canonical.form import canonical_form, canonical_hash, cell_encoding, equivalent
from nasdsl.canonical.sentences import difference_sentences

__all__ = [
    "Difference",
    "canonical_form",
    "canonical_hash",
    "cell_encoding",
    "difference_sentences",
    "differences",
    "equivalent",
]
