"""The algebra of spaces: how many genotypes, which ones, and how to get from one to another."""

from nasdsl.space.flat import choices, contains, decisions, genotype_from_choices
from nasdsl.space.members import (
    count,
    count_distinct,
    enumerate_genotypes,
    genotype_at,
    index_of,
    mutate,
    neighbours,
    sample,
)

__all__ = [
    "choices",
    "contains",
    "count",
    "count_distinct",
    "decisions",
    "enumerate_genotypes",
    "genotype_at",
    "genotype_from_choices",
    "index_of",
    "mutate",
    "neighbours",
    "sample",
]
