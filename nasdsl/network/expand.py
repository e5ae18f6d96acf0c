"""From a genotype and a skeleton to a NetworkGraph.

Purpose: the one way in.
Non-goals: wiring; each skeleton has its own file.
"""

from collections.abc import Callable

from nasdsl.language.genotype.settings import Settings, SkeletonName
from nasdsl.language.genotype.types import Genotype
from nasdsl.network.amoebanet import amoebanet_stack
from nasdsl.network.darts import darts_stack
from nasdsl.network.enas import enas_stack
from nasdsl.network.graph import NetworkGraph
from nasdsl.network.nasnet import nasnet_stack
from nasdsl.network.needed import needed
from nasdsl.network.pnasnet import pnasnet_stack
from nasdsl.network.skeleton import Skeleton, skeleton
from nasdsl.network.stack import Stack

_STACKS: dict[SkeletonName, Callable[[Genotype, Skeleton], Stack]] = {
    "nasnet": nasnet_stack,
    "pnasnet": pnasnet_stack,
    "amoebanet": amoebanet_stack,
    "enas": enas_stack,
    "darts": darts_stack,
}


def network_graph(genotype: Genotype, settings: Settings | Skeleton | None = None) -> NetworkGraph:
    """Every primitive of the network that a genotype and its settings describe.

    Args:
        genotype: the cells, and settings of their own.
        settings: settings that win over the genotype's, or a whole skeleton.

    Raises:
        CellError: what `skeleton` raises; NAS308 where shapes inside a cell do not match;
            NAS309 where an op cannot reduce.
    """
    if not isinstance(settings, Skeleton):
        settings = skeleton(genotype, settings)
    stack = _STACKS[settings.name](genotype, settings)
    return needed(NetworkGraph(genotype.name, settings, tuple(stack.modules), genotype))
