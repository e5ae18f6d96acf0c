"""The canonical form: one genotype for all that are the same up to names and order."""

from nasdsl.canonical.differences import Difference, differences
from nasdsl.canonical.form import (
    FORMS,
    CanonicalForm,
    canonical_form,
    canonical_hash,
    cell_encoding,
    equivalent,
    function_form,
    require_form,
)
from nasdsl.canonical.function import Rule, agreement
from nasdsl.canonical.sentences import difference_sentences

__all__ = [
    "FORMS",
    "CanonicalForm",
    "Difference",
    "Rule",
    "agreement",
    "canonical_form",
    "canonical_hash",
    "cell_encoding",
    "difference_sentences",
    "differences",
    "equivalent",
    "function_form",
    "require_form",
]
