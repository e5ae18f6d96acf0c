"""Which rules make two genotypes compute the same function.

Purpose: what `nasdsl diff` says of genotypes whose structures differ and whose functions do not.
Two things hold without a rule: what is computed twice, with equal weights, may be computed once,
and ops that follow each other are one chain of layers, however blocks divide it.
"""

from itertools import combinations

from nasdsl.canonical.function import FunctionForm, Rule
from nasdsl.language.genotype.types import Genotype
from nasdsl.values import require_types


def agreement(a: Genotype, b: Genotype) -> tuple[Rule, ...] | None:
    """The fewest rules under which `a` and `b` compute the same; None where no rules do that.

    Empty where they compute the same without any rule.
    """
    require_types(a=(a, Genotype), b=(b, Genotype))
    rules = list(Rule)
    if not _agree(a, b, rules):
        return None
    smaller = (found for size in range(len(rules)) for found in combinations(rules, size))
    return next((found for found in smaller if _agree(a, b, found)), tuple(rules))


def _agree(a: Genotype, b: Genotype, rules: tuple[Rule, ...] | list[Rule]) -> bool:
    return len({FunctionForm(each.vocabulary, rules).hash(each) for each in (a, b)}) == 1
