"""The evaluator `size`: the fewer parameters, the better. `size?N=1&cell_filters=8`."""

import nasdsl
from nasdsl.errors import cell_error
from nasdsl.network.cost import genotype_cost
from nasdsl.search.child import Child, child_from_options
from nasdsl.search.protocol import Report, Score


class Size:
    """Counts; it trains nothing."""

    def __init__(self, child: Child) -> None:
        self.child = child

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The score of a genotype's text."""
        cost = genotype_cost(self.child.network(nasdsl.loads(text)))
        return Score(-float(cost.params), params=cost.params, mult_adds=cost.mult_adds)


def size(what: str, options: dict[str, str]) -> Size:
    """The evaluator of a spec: `what` follows the colon, `options` the question mark."""
    child = child_from_options(options)
    if what or options:
        raise cell_error("NAS882", "the evaluator `size` takes settings of the network alone")
    return Size(child)
