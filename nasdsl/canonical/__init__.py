"""The canonical form: one genotype for all that are the same up to names and order."""

from nasdsl.canonical.differences import Difference, differences
from nasdsl.canonical.explanation import explanation
from nasdsl.canonical.form import canonical_form, canonical_hash, cell_encoding, equivalent

__all__ = [
    "Difference",
    "canonical_form",
    "canonical_hash",
    "cell_encoding",
    "differences",
    "equivalent",
    "explanation",
]
