"""The algebra of spaces: how many genotypes, which ones, and how to get from one to another."""

from nasdsl.space.counting import count, count_distinct
from nasdsl.space.indexing import enumerate_genotypes, genotype_at, index_of
from nasdsl.space.membership import choices, contains
from nasdsl.space.moves import mutate, neighbours
from nasdsl.space.plan import chosen, decisions
from nasdsl.space.sampling import sample

__all__ = [
    "choices",
    "chosen",
    "contains",
    "count",
    "count_distinct",
    "decisions",
    "enumerate_genotypes",
    "genotype_at",
    "index_of",
    "mutate",
    "neighbours",
    "sample",
]
