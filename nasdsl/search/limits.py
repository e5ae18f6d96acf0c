"""Limits: children that are too large are rejected before anything trains.

Purpose: `--max-params` and `--max-mult-adds`, decided by the cost model in a millisecond.
Non-goals: what searchers learn from it; a rejection is a failure they observe.
"""

from nasdsl.errors import CellError
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.cost import genotype_cost
from nasdsl.search.child import Child
from nasdsl.search.protocol import Evaluator
from nasdsl.search.settings import Limit


def limit_for(
    evaluator: Evaluator, *, max_params: int | None = None, max_mult_adds: int | None = None
) -> Limit | None:
    """Why a genotype is beyond the limits, as a function; None where there are no limits.

    Args:
        evaluator: whose children are counted. One that builds none is taken to mean those of
            `nasdsl.search.child`.
        max_params: trained parameters.
        max_mult_adds: multiply-adds of the convolutions and linear layers for one image.
    """
    limits = {
        name: most
        for name, most in (("params", max_params), ("mult_adds", max_mult_adds))
        if most is not None
    }
    child = getattr(evaluator, "child", Child())

    def why(genotype: Genotype) -> str | None:
        try:
            cost = genotype_cost(child.network(genotype))
        except CellError as error:
            return str(error.diagnostics[0].message)
        for name, most in limits.items():
            count = getattr(cost, name)
            if count > most:
                return f"{count:,} {name.replace('_', '-')}, more than {most:,}"
        return None

    return why if limits else None
